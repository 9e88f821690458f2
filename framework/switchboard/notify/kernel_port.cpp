#include <algorithm>
#include <limits>
#include <mutex>
#include <new>
#include <thread>

#include <switchboard/notify/kernel_port.hpp>

namespace switchboard::notify {
namespace {

/// How often a poll (timeout 0) that met only events to be dropped looks again.
constexpr int poll_attempts = 16;

registration* find_registration(net::socket_handle socket) noexcept {
  return registration_table::of_process().find(static_cast<std::intptr_t>(socket));
}

}  // namespace

void kernel_port::end() noexcept {
  is_closing_.store(true, std::memory_order_seq_cst);
  // A waiter may take or replace the wake of another: hence again, until all have left.
  while (epochs_->anybody_inside()) {
    wake_everybody();
    std::this_thread::yield();
  }
  epochs_->close();
  registration_table::of_process().forget_all(*this);
  for (const auto& each : queue_.take(std::numeric_limits<std::size_t>::max(), false).packets)
    if (each.from == queued_packet::origin::accept)
      if (const auto socket = each.content.accepted()) static_cast<void>(close_socket(*socket));
}

/// Why `entry`, found under the number of `socket`, is not a registration to work with here. A number closed without
/// REMOVE and given out again is another socket's (N51).
std::error_code kernel_port::require_registered(registration& entry, net::socket_handle socket) const noexcept {
  if (entry.port != this) return errc::not_registered;
  const auto facts = socket_facts::of(socket);
  if (!facts || facts->identity != entry.identity) {
    if (entry.state != registration_state::removing) entry.forget();
    return errc::not_registered;
  }
  return entry.state == registration_state::removing ? errc::removing : std::error_code{};
}

// ------------------------------------------------------------------------------------------------------ requests

std::error_code kernel_port::apply_one(const request& wanted, taker who) noexcept {
  switch (wanted.op) {
    case operation::none:
      return {};
    case operation::enable:
      return enable(wanted);
    case operation::disable:
      return disable(wanted);
    case operation::remove:
      return remove(wanted, who);
  }
  return errc::invalid_request;
}

std::error_code kernel_port::enable(const request& wanted) noexcept {
  if (!wanted.is_valid_arm()) return errc::invalid_request;
  auto* entry = find_registration(wanted.socket);
  if (entry == nullptr) {
    if (!socket_facts::of(wanted.socket)) return errc::not_a_socket;
    entry = registration_table::of_process().reach(static_cast<std::intptr_t>(wanted.socket));
    if (entry == nullptr) return std::make_error_code(std::errc::not_enough_memory);
  }
  const std::scoped_lock hold(entry->lock);
  if (entry->port != this || entry->key != wanted.key || !entry->in_kernel_set) return enable_anew(*entry, wanted);

  // The re-arm, which is what this framework does most: one call, and the kernel itself says if the number is another's
  // now.
  const auto failure = arm_as(*entry, wanted);
  if (failure != errc::not_registered) return failure;
  entry->forget();
  return enable_anew(*entry, wanted);
}

std::error_code kernel_port::enable_anew(registration& entry, const request& wanted) noexcept {
  const auto facts = socket_facts::of(wanted.socket);
  if (entry.port != nullptr) {
    if (!facts || facts->identity != entry.identity) {
      entry.forget();
    } else if (entry.port != this) {
      return errc::registered_elsewhere;
    } else if (entry.state == registration_state::removing) {
      return errc::removing;
    } else if (entry.key != wanted.key) {
      return errc::key_mismatch;
    }
  }
  if (!facts) return errc::not_a_socket;
  entry.is_stream = facts->is_stream;
  if (const auto failure = arm_as(entry, wanted)) return failure;
  entry.port = this;
  entry.key = wanted.key;
  entry.identity = facts->identity;
  return {};
}

std::error_code kernel_port::arm_as(registration& entry, const request& wanted) noexcept {
  const auto generation = entry.generation + 1;
  if (const auto failure = arm(entry, wanted, generation)) return failure;
  entry.generation = generation;
  entry.state = registration_state::armed;
  entry.filter = wanted.filter;
  entry.how = wanted.how;
  entry.in_kernel_set = true;
  entry.is_muted = false;
  return {};
}

std::error_code kernel_port::disable(const request& wanted) noexcept {
  auto* const entry = find_registration(wanted.socket);
  if (entry == nullptr) return errc::not_registered;
  const std::scoped_lock hold(entry->lock);
  if (const auto failure = require_registered(*entry, wanted.socket)) return failure;
  // A fired one-shot is silent as it is.
  if (entry->state == registration_state::armed)
    if (const auto failure = disarm(*entry, wanted.socket)) return failure;
  ++entry->generation;
  entry->state = registration_state::disabled;
  return {};
}

std::error_code kernel_port::remove(const request& wanted, taker who) noexcept {
  auto* const entry = find_registration(wanted.socket);
  if (entry == nullptr) return errc::not_registered;
  packet_list removal;
  try {
    removal.emplace_back();
  } catch (const std::bad_alloc&) {
    return std::make_error_code(std::errc::not_enough_memory);
  }
  {
    const std::scoped_lock hold(entry->lock);
    if (const auto failure = require_registered(*entry, wanted.socket)) return failure;
    if (const auto failure = let_go(*entry, wanted.socket)) return failure;
    entry->in_kernel_set = false;
    entry->state = registration_state::removing;
    auto& told = removal.front();
    told.content = {entry->key, static_cast<std::uint64_t>(event::remove)};
    told.from = queued_packet::origin::removal;
    told.descriptor = static_cast<std::intptr_t>(wanted.socket);
    told.generation = ++entry->generation;
    cancel_accepts(wanted.socket, removal, who);
  }
  if (!removal.empty()) epochs_->withhold(std::move(removal), who);
  return {};
}

std::error_code kernel_port::close(net::socket_handle socket) noexcept {
  const auto facts = socket_facts::of(socket);
  if (!facts) return errc::not_a_socket;
  if (auto* const entry = find_registration(socket)) {
    const std::scoped_lock hold(entry->lock);
    if (entry->port != nullptr && entry->identity == facts->identity) {
      if (entry->port != this) return errc::registered_elsewhere;
      // Not left to the kernel: a duplicate in another process would keep the registration alive, out of reach.
      static_cast<void>(let_go(*entry, socket));
      drop_accepts(socket);
      // A REMOVE that was asked for still gets its event (N10), and the entry waits for it.
      if (entry->state == registration_state::removing) {
        entry->in_kernel_set = false;
      } else {
        entry->forget();
      }
    }
  }
  return close_socket(socket);
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

std::error_code kernel_port::async_accept(net::socket_handle listener, std::uint64_t key) noexcept {
  auto* const entry = find_registration(listener);
  if (entry == nullptr) return errc::not_registered;
  const std::scoped_lock hold(entry->lock);
  if (const auto failure = require_registered(*entry, listener)) return failure;
  // A connection's number may equal any mask, so the key has to tell them apart (N43).
  if (entry->key == key) return errc::invalid_request;
  if (const auto failure = begin_accept(*entry, listener, key)) return failure;
  submit();
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
    if (each.from != queued_packet::origin::removal) continue;
    // From here on the socket may be registered anew (N5), unless its number is somebody else's by now (N51).
    auto& entry = *registration_table::of_process().find(each.descriptor);
    const std::scoped_lock hold(entry.lock);
    if (entry.port == this && entry.generation == each.generation) entry.forget();
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
    for (auto& each : requests) each.result = apply_one(each, taker::others);
    submit();
    return std::size_t{0};
  }
  auto* const self = epochs_->enrol();
  if (self == nullptr) return std::make_error_code(std::errc::not_enough_memory);
  // What this thread asks for is applied before its batch counts as released: a REMOVE event that waits for the batch,
  // and the closing that follows it, cannot overtake a re-arm of the same socket here.
  epochs_->arrive(*self);
  for (auto& each : requests) each.result = apply_one(each, taker::caller_too);
  epochs_->enter(*self);
  const auto count = dequeue(*self, out, timeout);
  const bool closed = is_closing_.load(std::memory_order_seq_cst);
  auto* const epochs = epochs_.get();
  // The port may be gone as soon as it is seen that nobody is inside; the epochs stay, being this thread's as well.
  epochs->leave(*self, count > 0);
  // What was taken is delivered still: it may be a connection, which nobody else would close.
  if (closed && count == 0) return errc::closed;
  return count;
}

std::size_t kernel_port::dequeue(batch_epochs::waiter& self, std::span<packet> out, duration timeout) noexcept {
  const auto start = timeout == infinite || timeout == duration::zero() ? clock::time_point{} : now();
  // A deadline beyond the clock's end is none.
  const bool expires = timeout != infinite && timeout < clock::time_point::max() - start;
  auto remaining = expires ? timeout : infinite;
  for (int attempt = 1;; ++attempt) {
    const auto got = gather(self, out, remaining);
    if (got.packets > 0 || is_closing_.load(std::memory_order_seq_cst)) return got.packets;
    if (expires) {
      remaining = timeout == duration::zero() ? timeout : std::max(start + timeout - now(), duration::zero());
      // After events that turned out stale there may be others behind them, even if there is no time left to wait.
      if (remaining == duration::zero() && (got.events == 0 || attempt >= poll_attempts)) return 0;
    }
    // What was only dropped is in nobody's hands.
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
  // What brings no packet of its own took the only place that a socket, ready for longer perhaps, could have had.
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
