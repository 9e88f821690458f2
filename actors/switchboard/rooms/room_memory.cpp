#include <switchboard/rooms/room_memory.hpp>

namespace switchboard::rooms {

room_memory::room_memory(std::size_t limit, std::shared_ptr<budget::ledger> of) : limit_(limit) {
  if (of) account_.emplace(std::move(of), budget::owner::room);
}

void room_memory::update(keeper& of) noexcept {
  const std::lock_guard lock{mutex_};
  recount(of);
  release_what_is_too_much();
  count_in_ledger();
}

void room_memory::forget(keeper& of) noexcept {
  const std::lock_guard lock{mutex_};
  if (keepers_.erase({of.counted_, &of}) > 0) own_ -= of.own_;
  used_ -= of.counted_;
  of.counted_ = 0;
  count_in_ledger();
}

bool room_memory::has_place_for(std::size_t own) const noexcept {
  const std::lock_guard lock{mutex_};
  return own_ + own <= limit_ / 2;
}

std::size_t room_memory::used() const noexcept {
  const std::lock_guard lock{mutex_};
  return used_;
}

void room_memory::recount(keeper& of) {
  const auto now = in_steps(of.footprint());
  if (now == of.counted_) return;
  auto place = keepers_.extract({of.counted_, &of});
  used_ = used_ - of.counted_ + now;
  of.counted_ = now;
  if (place.empty()) {
    keepers_.emplace(now, &of);
    own_ += of.own_;
  } else {
    place.value().first = now;
    keepers_.insert(std::move(place));
  }
}

void room_memory::release_what_is_too_much() {
  auto most = keepers_.rbegin();
  for (int asked = 0; used_ + own_ > limit_ && most != keepers_.rend() && asked < asked_max;) {
    auto& largest = *most->second;
    if (largest.release_oldest()) {
      recount(largest);
      most = keepers_.rbegin();
      asked = 0;
    } else {
      ++most;
      ++asked;
    }
  }
}

}  // namespace switchboard::rooms
