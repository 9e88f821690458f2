#include <algorithm>
#include <new>
#include <utility>

#include <switchboard/error/invariant.hpp>
#include <switchboard/pump/message_element.hpp>
#include <switchboard/pump/socket_owners.hpp>

namespace switchboard {

using notify::event;

namespace {

/// What a posted end says: REMOVE, and a bit that no packet of the port's has.
constexpr auto posted_end = static_cast<std::uint64_t>(event::remove) | 0x100;

std::uint64_t key_of(const socket_owners::record& of) noexcept {
  return reinterpret_cast<std::uintptr_t>(&of);
}

template <class Message>
void send_to(const caf::strong_actor_ptr& owner, Message message, caf::execution_unit* unit) {
  owner->enqueue(make_message_element(message), unit);
}

}  // namespace

error_or<registration_id> socket_owners::open(net::socket_handle socket, caf::strong_actor_ptr owner,
                                              notify::interest first) try {
  records made(1);
  auto& fresh = made.front();
  fresh.owner = std::move(owner);
  fresh.place = made.begin();
  // Held until the record is in the list: its REMOVE event may be the next thing that happens.
  const std::lock_guard guard(lock_);
  if (closed()) return errc::closed;
  if (const auto failed = port_.add(socket, key_of(fresh), first, fresh.registration)) return failed;
  records_.splice(records_.end(), made);
  size_.fetch_add(1, std::memory_order_relaxed);
  return fresh.registration;
} catch (const std::bad_alloc&) {
  return std::make_error_code(std::errc::not_enough_memory);
}

std::size_t socket_owners::deliver(const notify::packet& of_port, caf::execution_unit* unit, records& ended) {
  auto& of = *reinterpret_cast<record*>(static_cast<std::uintptr_t>(of_port.key));
  const auto events = of_port.events();
  if (!has(events, event::remove)) {
    send_to(of.owner, socket_ready{of.registration, events}, unit);
    return 1;
  }
  auto taken = take(of, of_port.value == posted_end);
  if (taken.empty()) return 0;
  const bool is_reported = !of.is_silent;
  if (is_reported) send_to(of.owner, registration_closed{of.registration}, unit);
  ended.splice(ended.end(), taken);
  return is_reported ? 1 : 0;
}

/// Takes a record out of the list, unless its end was posted and comes later than this one.
socket_owners::records socket_owners::take(record& ended, bool is_posted) noexcept {
  records taken;
  const std::lock_guard guard(lock_);
  if (ended.is_lost && !is_posted) return taken;
  taken.splice(taken.end(), records_, ended.place);
  size_.fetch_sub(1, std::memory_order_release);
  return taken;
}

std::error_code socket_owners::remove_from_port(registration_id registration) noexcept {
  std::error_code failed;
  for (int tries = 0; tries != max_tries; ++tries) {
    failed = port_.remove(registration);
    if (!failed || failed == errc::not_registered || failed == errc::removing) break;
  }
  return failed;
}

std::error_code socket_owners::remove(registration_id registration) noexcept {
  const auto failed = remove_from_port(registration);
  if (!failed || (failed == errc::removing && !closed())) return {};
  // Refused for good (N52): the registration is what it was, and stays so until close().
  if (failed != errc::removing && failed != errc::not_registered) return failed;
  const std::lock_guard guard(lock_);
  const auto found = std::find_if(records_.begin(), records_.end(),
                                  [&](const record& each) { return each.registration == registration; });
  if (found == records_.end()) return closed() ? errc::closed : errc::not_registered;
  // close() may have asked before its owner did.
  found->is_silent = false;
  if (failed == errc::not_registered) post_end(*found);
  return {};
}

void socket_owners::close() noexcept {
  const std::lock_guard guard(lock_);
  closed_.store(true, std::memory_order_release);
  for (auto& each : records_) {
    const auto failed = remove_from_port(each.registration);
    // The owner asked for it, and may be waiting for nothing else.
    if (failed == errc::removing || each.is_lost) continue;
    SWITCHBOARD_INVARIANT(!failed || failed == errc::not_registered, "the port keeps a registration against the pump");
    // One that the port has lost may have been removed by its owner: its REMOVE event is in a batch, whose thread
    // waits for the list's lock.
    each.is_silent = !failed;
    if (failed) post_end(each);
  }
}

void socket_owners::post_end(record& lost) noexcept {
  if (std::exchange(lost.is_lost, true)) return;
  std::error_code failed;
  for (int tries = 0; tries != max_tries; ++tries) {
    failed = port_.post_after_batches(key_of(lost), posted_end);
    if (!failed) return;
  }
  SWITCHBOARD_INVARIANT(!failed, "the pump cannot post to its port: a registration would have no end");
}

}  // namespace switchboard
