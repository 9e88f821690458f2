#include <mutex>
#include <new>

#include <switchboard/notify/registrar.hpp>

namespace switchboard::notify {
namespace {

registration* find_registration(net::socket_handle socket) noexcept {
  return registration_table::of_process().find(static_cast<std::intptr_t>(socket));
}

net::socket_handle socket_of(registration_id name) noexcept {
  return static_cast<net::socket_handle>(static_cast<std::intptr_t>(slot_of(name)));
}

}  // namespace

std::error_code registrar::apply(const request& wanted, taker who) noexcept {
  switch (wanted.op) {
    case operation::none:
      return {};
    case operation::enable:
      return enable(wanted, nullptr);
    case operation::disable:
      return disable(wanted);
    case operation::remove:
      return remove(wanted.socket, registration_id::none, who);
  }
  return errc::invalid_request;
}

/// Why `entry`, found under the number of `socket`, is not a registration to work with here. A number closed without
/// REMOVE and given out again is another socket's (N51).
std::error_code registrar::require_registered(registration& entry, net::socket_handle socket) const noexcept {
  if (entry.port != &port_) return errc::not_registered;
  const auto facts = socket_facts::of(socket);
  if (!facts || facts->identity != entry.identity) {
    if (entry.state != registration_state::removing) entry.forget();
    return errc::not_registered;
  }
  return entry.state == registration_state::removing ? errc::removing : std::error_code{};
}

// ------------------------------------------------------------------------------------------------------- enabling

std::error_code registrar::enable(const request& wanted, registration_id* name) noexcept {
  if (!wanted.is_valid_arm()) return errc::invalid_request;
  auto* entry = find_registration(wanted.socket);
  if (entry == nullptr) {
    if (!socket_facts::of(wanted.socket)) return errc::not_a_socket;
    const auto descriptor = static_cast<std::intptr_t>(wanted.socket);
    if (static_cast<std::size_t>(descriptor) >= registration_table::descriptor_limit)
      return errc::registrations_exhausted;
    entry = registration_table::of_process().reach(descriptor);
    if (entry == nullptr) return std::make_error_code(std::errc::not_enough_memory);
  }
  const std::scoped_lock hold(entry->lock);
  std::error_code failure = errc::not_registered;
  // One call, and the kernel itself says if the number is another's now.
  if (entry->port == &port_ && entry->key == wanted.key && entry->in_kernel_set) {
    failure = arm(*entry, wanted);
    if (failure == errc::not_registered) entry->forget();
  }
  if (failure == errc::not_registered) failure = enable_anew(*entry, wanted);
  if (!failure && name != nullptr)
    *name = make_registration_id(static_cast<std::uint32_t>(wanted.socket), entry->generation);
  return failure;
}

std::error_code registrar::enable_anew(registration& entry, const request& wanted) noexcept {
  const auto facts = socket_facts::of(wanted.socket);
  if (entry.port != nullptr) {
    if (!facts || facts->identity != entry.identity) {
      entry.forget();
    } else if (entry.port != &port_) {
      return errc::registered_elsewhere;
    } else if (entry.state == registration_state::removing) {
      return errc::removing;
    } else if (entry.key != wanted.key) {
      return errc::key_mismatch;
    }
  }
  if (!facts) return errc::not_a_socket;
  entry.is_stream = facts->is_stream;
  if (const auto failure = arm(entry, wanted)) return failure;
  if (entry.port == nullptr) ++entry.generation;
  entry.port = &port_;
  entry.key = wanted.key;
  entry.identity = facts->identity;
  return {};
}

std::error_code registrar::arm(registration& entry, const request& wanted) noexcept {
  if (entry.stands_for(wanted)) {
    entry.state = registration_state::armed;
    return {};
  }
  const auto serial = entry.serial + 1;
  if (const auto failure = kernel_.arm(entry, wanted, serial)) return failure;
  entry.serial = serial;
  entry.state = registration_state::armed;
  entry.filter = wanted.filter;
  entry.how = wanted.how;
  entry.in_kernel_set = true;
  entry.is_muted = false;
  return {};
}

std::error_code registrar::add(net::socket_handle socket, std::uint64_t key, interest filter,
                               registration_id& name) noexcept {
  return enable({.socket = socket, .key = key, .filter = filter, .op = operation::enable}, &name);
}

std::error_code registrar::rearm(registration_id which, interest filter, hint known) noexcept {
  const auto socket = socket_of(which);
  const request wanted{.socket = socket, .filter = filter, .op = operation::enable, .known = known};
  if (!wanted.is_valid_arm()) return errc::invalid_request;
  auto* const entry = find_registration(socket);
  if (entry == nullptr) return errc::not_registered;
  const std::scoped_lock hold(entry->lock);
  if (const auto failure = entry->check(which, port_)) return failure;
  // What the kernel does not have cannot be compared with what it has.
  if (!entry->in_kernel_set)
    if (const auto failure = require_registered(*entry, socket)) return failure;
  const auto failure = arm(*entry, wanted);
  if (failure == errc::not_registered) entry->forget();
  return failure;
}

std::error_code registrar::disable(const request& wanted) noexcept {
  auto* const entry = find_registration(wanted.socket);
  if (entry == nullptr) return errc::not_registered;
  const std::scoped_lock hold(entry->lock);
  if (const auto failure = require_registered(*entry, wanted.socket)) return failure;
  // A fired one-shot is silent as it is, unless its registration at the kernel stands.
  if (entry->state == registration_state::armed || entry->standing != standing_edge::none)
    if (const auto failure = kernel_.disarm(*entry, wanted.socket)) return failure;
  ++entry->serial;
  entry->state = registration_state::disabled;
  return {};
}

// ------------------------------------------------------------------------------------------------------- removing

std::error_code registrar::remove(registration_id which) noexcept {
  return remove(socket_of(which), which, taker::others);
}

/// `name`: the only registration to be removed; none for whichever the socket has.
std::error_code registrar::remove(net::socket_handle socket, registration_id name, taker who) noexcept {
  auto* const entry = find_registration(socket);
  if (entry == nullptr) return errc::not_registered;
  packet_list removal;
  try {
    removal.emplace_back();
  } catch (const std::bad_alloc&) {
    return std::make_error_code(std::errc::not_enough_memory);
  }
  {
    const std::scoped_lock hold(entry->lock);
    if (name != registration_id::none)
      if (const auto failure = entry->check(name, port_)) return failure;
    if (const auto failure = require_registered(*entry, socket)) return failure;
    if (const auto failure = kernel_.forget(*entry, socket)) return failure;
    entry->in_kernel_set = false;
    entry->state = registration_state::removing;
    auto& event_packet = removal.front();
    event_packet.content = {entry->key, static_cast<std::uint64_t>(event::remove)};
    event_packet.from = queued_packet::origin::removal;
    event_packet.descriptor = static_cast<std::intptr_t>(socket);
    event_packet.serial = ++entry->serial;
    kernel_.cancel_accepts(socket, removal, who);
  }
  if (!removal.empty()) epochs_.withhold(std::move(removal), who);
  return {};
}

void registrar::end(const queued_packet& removal) noexcept {
  auto& entry = *registration_table::of_process().find(removal.descriptor);
  const std::scoped_lock hold(entry.lock);
  // Unless its number is another socket's by now (N51).
  if (entry.port == &port_ && entry.serial == removal.serial) entry.forget();
}

std::error_code registrar::close(net::socket_handle socket) noexcept {
  const auto facts = socket_facts::of(socket);
  if (!facts) return errc::not_a_socket;
  if (auto* const entry = find_registration(socket)) {
    const std::scoped_lock hold(entry->lock);
    if (entry->port != nullptr && entry->identity == facts->identity) {
      if (entry->port != &port_) return errc::registered_elsewhere;
      // Not left to the kernel: a duplicate in another process would keep the registration alive, out of reach.
      static_cast<void>(kernel_.forget(*entry, socket));
      kernel_.drop_accepts(socket);
      // A REMOVE that was asked for still gets its event (N10), and the entry waits for it.
      if (entry->state == registration_state::removing) {
        entry->in_kernel_set = false;
      } else {
        entry->forget();
      }
    }
  }
  return kernel_.close_socket(socket);
}

std::error_code registrar::async_accept(net::socket_handle listener, std::uint64_t key) noexcept {
  auto* const entry = find_registration(listener);
  if (entry == nullptr) return errc::not_registered;
  const std::scoped_lock hold(entry->lock);
  if (const auto failure = require_registered(*entry, listener)) return failure;
  // A connection's number may equal any mask, so only the key distinguishes them (N43).
  if (entry->key == key) return errc::invalid_request;
  return kernel_.begin_accept(*entry, listener, key);
}

}  // namespace switchboard::notify
