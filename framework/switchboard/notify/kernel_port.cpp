#include <algorithm>
#include <limits>
#include <mutex>
#include <new>
#include <thread>

#include <switchboard/notify/kernel_port.hpp>

namespace switchboard::notify {
namespace {

/// How often a poll (timeout 0) that found only stale events looks again.
constexpr int poll_attempts = 16;

}  // namespace

void kernel_port::end() noexcept {
  is_closing_.store(true, std::memory_order_seq_cst);
  // A waiter may take or replace the wake of another: hence again, until all have left.
  while (epochs_->any_inside()) {
    wake_all();
    std::this_thread::yield();
  }
  epochs_->close();
  registrar_.end_all();
  for (const auto& each : queue_.take(std::numeric_limits<std::size_t>::max(), false).packets)
    if (each.from == queued_packet::origin::accept)
      if (const auto socket = each.content.accepted()) static_cast<void>(close_socket(*socket));
}

// ------------------------------------------------------------------------------------------------ registrations

std::error_code kernel_port::add(net::socket_handle socket, std::uint64_t key, interest filter,
                                 registration_id& name) noexcept {
  if (const auto failure = registrar_.add(socket, key, filter, name)) return failure;
  submit();
  return {};
}

std::error_code kernel_port::rearm(registration_id which, interest filter, hint known) noexcept {
  if (const auto failure = registrar_.rearm(which, filter, known)) return failure;
  if (!has(known, hint::wait_follows)) submit();
  return {};
}

std::error_code kernel_port::remove(registration_id which) noexcept {
  if (const auto failure = registrar_.remove(which)) return failure;
  submit();
  return {};
}

std::error_code kernel_port::async_accept(net::socket_handle listener, std::uint64_t key) noexcept {
  if (const auto failure = registrar_.async_accept(listener, key)) return failure;
  submit();
  return {};
}

// --------------------------------------------------------------------------------------------------- own packets

std::error_code kernel_port::post(std::uint64_t key, std::uint64_t value) noexcept {
  packet_list one;
  try {
    one.push_back({.content = {key, value}});
  } catch (const std::bad_alloc&) {
    return std::make_error_code(std::errc::not_enough_memory);
  }
  switch (queue_.push_post(std::move(one))) {
    case packet_queue::push_result::full:
      return std::make_error_code(std::errc::no_buffer_space);
    case packet_queue::push_result::must_wake:
      send_wake();
      break;
    case packet_queue::push_result::queued:
      break;
  }
  return {};
}

std::error_code kernel_port::post_after_batches(std::uint64_t key, std::uint64_t value) noexcept {
  packet_list one;
  try {
    one.push_back({.content = {key, value}});
  } catch (const std::bad_alloc&) {
    return std::make_error_code(std::errc::not_enough_memory);
  }
  if (!queue_.admit_post()) return std::make_error_code(std::errc::no_buffer_space);
  epochs_->withhold(std::move(one), taker::others);
  return {};
}

void kernel_port::deliver(packet_list&& removals, taker who) noexcept {
  if (queue_.push_events(std::move(removals), who) == packet_queue::push_result::must_wake) send_wake();
}

void kernel_port::release() noexcept {
  if (auto* const self = epochs_->find()) epochs_->release(*self);
}

std::size_t kernel_port::take_queued(std::span<packet> out, bool saw_wake) noexcept {
  const auto taken = queue_.take(out.size(), saw_wake);
  if (taken.must_wake) send_wake();
  std::size_t count = 0;
  for (const auto& each : taken.packets) {
    out[count++] = each.content;
    if (each.from == queued_packet::origin::removal) registrar_.end(each);
  }
  return count;
}

/// How much of the output posted packets may have before the sockets were looked at: half, so that neither starves
/// (N47).
std::size_t kernel_port::queue_share(std::size_t capacity) noexcept {
  if (capacity > 1) return (capacity + 1) / 2;
  return turn_.fetch_add(1, std::memory_order_relaxed) & 1;
}

// ------------------------------------------------------------------------------------------------------- waiting

error_or<std::size_t> kernel_port::process(std::span<request> requests, std::span<packet> out,
                                           duration timeout) noexcept {
  if (timeout < duration::zero() || (out.empty() && timeout != duration::zero())) return errc::invalid_request;
  if (is_closing_.load(std::memory_order_seq_cst)) return errc::closed;
  if (!requests.empty())
    if (const auto failure = reserve(requests.size())) return failure;
  if (out.empty()) {
    for (auto& each : requests) each.result = registrar_.apply(each, taker::others);
    submit();
    return std::size_t{0};
  }
  auto* const self = epochs_->enrol();
  if (self == nullptr) return std::make_error_code(std::errc::not_enough_memory);
  // What this thread asks for is applied before its batch counts as released: a REMOVE event that waits for the batch,
  // and the closing that follows it, cannot overtake a re-arm of the same socket here.
  epochs_->arrive(*self);
  for (auto& each : requests) each.result = registrar_.apply(each, taker::caller_too);
  epochs_->enter(*self);
  const auto count = dequeue(*self, out, timeout);
  const bool closed = is_closing_.load(std::memory_order_seq_cst);
  auto* const epochs = epochs_.get();
  // The port may be destroyed as soon as no thread is inside; this thread shares the epochs, so they stay.
  epochs->leave(*self, count > 0);
  // Packets that were taken are still delivered: one may be a connection, which nothing else would close.
  if (closed && count == 0) return errc::closed;
  return count;
}

std::size_t kernel_port::dequeue(batch_epochs::waiter& self, std::span<packet> out, duration timeout) noexcept {
  const auto start = timeout == infinite || timeout == duration::zero() ? clock::time_point{} : now();
  // A deadline beyond the clock's range is no deadline.
  const bool expires = timeout != infinite && timeout < clock::time_point::max() - start;
  auto remaining = expires ? timeout : infinite;
  for (int attempt = 1;; ++attempt) {
    const auto got = gather(self, out, remaining);
    if (got.packets > 0 || is_closing_.load(std::memory_order_seq_cst)) return got.packets;
    if (expires) {
      remaining = timeout == duration::zero() ? timeout : std::max(start + timeout - now(), duration::zero());
      // After events that turned out stale there may be others, even if there is no time left to wait.
      if (remaining == duration::zero() && (got.events == 0 || attempt >= poll_attempts)) return 0;
    }
    // Events that were only dropped are no batch.
    epochs_->enter(self);
  }
}

kernel_port::harvest kernel_port::gather(batch_epochs::waiter& self, std::span<packet> out, duration timeout) noexcept {
  before_looking();
  std::size_t queued = 0;
  const bool others_wait = !queue_.empty();
  if (others_wait) {
    epochs_->begin_batch(self);
    queued = take_queued(out.first(std::min(queue_share(out.size()), out.size())), false);
  }
  const auto room = out.subspan(queued);
  harvest got;
  if (room.empty())
    submit();
  else
    got = reap(self, room, others_wait ? duration::zero() : timeout);
  // An event that becomes no packet took the only place in the output, which another ready socket could have had.
  if ((got.saw_wake || got.saw_accepts) && room.size() == 1) {
    const auto again = reap(self, room, duration::zero());
    got.packets = again.packets;
    got.saw_wake |= again.saw_wake;
    got.saw_accepts |= again.saw_accepts;
  }
  got.packets += queued;
  if (got.saw_wake || !queue_.empty()) {
    epochs_->begin_batch(self);
    got.packets += take_queued(out.subspan(got.packets), got.saw_wake);
  }
  return got;
}

}  // namespace switchboard::notify
