#pragma once

/// The actors that own a pump's registrations, and how a packet becomes a message to one.
///
/// Why        a registration's key on the port is the address of its owner's record, so a packet leads straight to the
///            actor. The port keeps the key's promise: no packet has it after the REMOVE event, and that event comes only
///            when batches taken before are released (N48, N49). So a record is read without a look-up, a lock or a
///            generation. They are in a list for the end alone, which has to find them all.
/// Threads    any. The list is locked when registrations come and go.
/// Owns       an actor handle for each registration, from open() to its REMOVE event.
/// Errors     `closed` after close(); what the port refuses is passed on.
/// Lost       where the port has no registration any more, because its owner closed the socket too soon (N51), no REMOVE
///            event will come: one is posted in its place.

#include <atomic>
#include <cstdint>
#include <list>
#include <mutex>

#include <caf/actor_control_block.hpp>

#include <switchboard/error/error_or.hpp>
#include <switchboard/notify/notification_port.hpp>
#include <switchboard/pump/readiness_messages.hpp>

namespace switchboard {

class socket_owners {
public:
  struct record {
    caf::strong_actor_ptr owner;
    registration_id registration = registration_id::none;
    // The rest under the list's lock.
    std::list<record>::iterator place{};
    bool is_silent = false;  ///< the owner did not ask for the end, and gets no message
    bool is_lost = false;    ///< its end is posted, or about to be
  };
  using records = std::list<record>;

  /// @param port  outlives this.
  explicit socket_owners(notify::notification_port& port) noexcept : port_(port) {}

  // As notification_pump describes them.
  error_or<registration_id> open(net::socket_handle socket, caf::strong_actor_ptr owner, notify::interest first);
  std::error_code remove(registration_id registration) noexcept;

  /// Sends what a packet of the port says to the owner; returns how many messages that took, one or none. A record that
  /// has ended goes to `ended`: the caller releases it when it holds no batch, for the last handle may end an actor
  /// whose destructor calls the pump.
  std::size_t deliver(const notify::packet& of_port, caf::execution_unit* unit, records& ended);
  /// Refuses new registrations from now on, and asks for the end of all there are.
  void close() noexcept;

  bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }
  /// Registrations whose end has not been delivered.
  std::size_t size() const noexcept { return size_.load(std::memory_order_acquire); }

private:
  /// Attempts at a request that must not fail: lack of memory is transient (N17).
  static constexpr int max_tries = 10;

  records take(record& ended, bool is_posted) noexcept;
  std::error_code remove_from_port(registration_id registration) noexcept;
  void post_end(record& lost) noexcept;

  notify::notification_port& port_;
  mutable std::mutex lock_;
  records records_;
  std::atomic<std::size_t> size_{0};
  std::atomic<bool> closed_{false};
};

}  // namespace switchboard
