#pragma once

/// What a notification pump is made of, shared by the pump and by the threads that serve its port.
///
/// Why        whoever lets go of a pump last may be one of those threads, in the middle of a turn; so the parts it
///            works on belong to each of them.
/// Threads    every member from any thread, except start and stop (one at a time).

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <caf/fwd.hpp>

#include <switchboard/notify/notification_port.hpp>
#include <switchboard/pump/deadline_wheel.hpp>
#include <switchboard/pump/registration_table.hpp>
#include <switchboard/pump/sleep_ledger.hpp>

namespace switchboard {

/// A re-arm that waits for its thread's next turn at the port.
struct re_arm {
  registration_id registration;
  std::uint32_t number;  ///< among the registration's
};

class pump_engine : public std::enable_shared_from_this<pump_engine> {
public:
  using clock = notify::notification_port::clock;
  using duration = notify::notification_port::duration;

  /// Keys of the pump's own packets. Their low half is no slot of the table.
  static constexpr std::uint64_t wake_key = ~std::uint64_t{0} - 1;
  static constexpr std::uint64_t exit_key = ~std::uint64_t{0} - 2;
  /// A failing call may succeed later (N17); one that keeps failing leaves the process deaf.
  static constexpr int max_failures_in_a_row = 100;
  /// Requests that must not fail are made that often: want of memory passes, and a port has two ways to tell of it.
  static constexpr int max_tries = 10;

  explicit pump_engine(std::unique_ptr<notify::notification_port> port);

  // What notification_pump says of them.
  error_or<registration_id> open(net::socket_handle socket, caf::strong_actor_ptr owner, notify::interest first);
  std::error_code arm(registration_id registration, notify::interest filter) noexcept;
  std::error_code remove(registration_id registration) noexcept;
  deadline_id schedule(clock::time_point at, caf::strong_actor_ptr owner, std::uint64_t tag);
  bool cancel(deadline_id deadline) noexcept { return deadlines_.cancel(deadline); }
  std::error_code start(std::size_t threads);
  void stop() noexcept;

  /// The request of a deferred re-arm; false where its registration has ended, or has a later one.
  bool make_request(const re_arm& noted, notify::request& made) noexcept;
  /// Applies a deferred re-arm, under the same conditions; it is no error where they do not hold.
  std::error_code apply(const re_arm& noted) noexcept;
  /// Applies the latest re-arm of a registration once more if that is a later one than `applied`.
  std::error_code apply_later_than(const re_arm& applied) noexcept;
  /// Sends what a packet says to the owner; returns how many messages that took, one or none.
  std::size_t deliver(const notify::packet& socket_packet, caf::execution_unit* unit);
  std::size_t deliver_failed_arm(registration_id registration, caf::execution_unit* unit);

  /// Wakes one sleeper, if any sleeps that no packet is under way to.
  void wake_one() noexcept {
    if (ledger_.claim_wake()) post(wake_key);
  }
  /// Sees to it that somebody watches what the calling thread is about to run.
  void wake_watch() noexcept {
    if (ledger_.claim_watch()) post(wake_key);
  }
  void post(std::uint64_t key) noexcept;
  /// How long a thread that fell asleep as `held` may wait.
  duration patience(sleep_ledger::role held) noexcept;

  notify::notification_port& port() noexcept { return *port_; }
  registration_table& registrations() noexcept { return registrations_; }
  deadline_wheel& deadlines() noexcept { return deadlines_; }
  sleep_ledger& ledger() noexcept { return ledger_; }
  bool batches() const noexcept { return batches_; }

private:
  /// A thread of the pump's own: serves the port until the exit key comes (N44).
  void serve_until_exit();

  const std::unique_ptr<notify::notification_port> port_;
  const bool batches_;
  registration_table registrations_;
  deadline_wheel deadlines_;
  sleep_ledger ledger_;
  std::atomic<clock::rep> watched_until_{0};  // when the watch wakes by itself
  std::vector<std::thread> threads_;
};

}  // namespace switchboard
