#include <utility>

#include <switchboard/notify/packet_queue.hpp>

namespace switchboard::notify {

packet_queue::push_result packet_queue::announce() noexcept {
  return std::exchange(wake_sent_, true) ? push_result::queued : push_result::must_wake;
}

packet_queue::push_result packet_queue::push_post(packet_list&& one) noexcept {
  const std::scoped_lock hold(mutex_);
  if (posts_ >= post_limit) return push_result::full;
  ++posts_;
  packets_.splice(packets_.end(), one);
  size_.store(packets_.size(), std::memory_order_release);
  return announce();
}

bool packet_queue::admit_post() noexcept {
  const std::scoped_lock hold(mutex_);
  if (posts_ >= post_limit) return false;
  ++posts_;
  return true;
}

packet_queue::push_result packet_queue::push_events(packet_list&& some, taker who) noexcept {
  const std::scoped_lock hold(mutex_);
  packets_.splice(packets_.end(), some);
  size_.store(packets_.size(), std::memory_order_release);
  return who == taker::caller_too ? push_result::queued : announce();
}

packet_queue::taken packet_queue::take(std::size_t limit, bool saw_wake) noexcept {
  taken result{{}, false};
  const std::scoped_lock hold(mutex_);
  if (saw_wake) wake_sent_ = false;
  while (limit-- > 0 && !packets_.empty()) {
    if (packets_.front().from == queued_packet::origin::post) --posts_;
    result.packets.splice(result.packets.end(), packets_, packets_.begin());
  }
  size_.store(packets_.size(), std::memory_order_release);
  if (!packets_.empty()) result.must_wake = announce() == push_result::must_wake;
  return result;
}

}  // namespace switchboard::notify
