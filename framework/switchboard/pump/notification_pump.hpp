#pragma once

/// Turns the packets of one notification port into messages to the actors that own the sockets.
///
/// Why        every broker, acceptor and connection of a process shares one port; the pump knows which actor a packet
///            is for.
/// Threads    every member from any thread, except start and stop (one at a time).
/// Owns       the port, whose keys are the pump's alone, and a handle of each owner: strongly from open() to the REMOVE
///            event. Sockets and their closing stay with the actors (N50).
/// Runs       as the scheduler of an actor system (pump/scheduler.hpp), or on threads of its own beside another
///            (start()). For one actor system: under another scheduler stop() comes before that system's end, because
///            CAF's handles must not outlive it; the pump's own scheduler sees to that itself.
/// Errors     `closed` after the end; what the port refuses is passed on.
/// Life       ends with the last handle that create() gave, which stops it. May outlive the actor system, and then holds
///            no actor handle.

#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include <caf/actor_control_block.hpp>
#include <caf/fwd.hpp>

#include <switchboard/error/error_or.hpp>
#include <switchboard/notify/notification_port.hpp>
#include <switchboard/pump/deadline_wheel.hpp>
#include <switchboard/pump/parking_lot.hpp>
#include <switchboard/pump/pump_metrics.hpp>
#include <switchboard/pump/readiness_messages.hpp>
#include <switchboard/pump/socket_owners.hpp>

namespace switchboard {

class notification_pump {
public:
  using clock = notify::notification_port::clock;

  /// The pump counts in `figures`; null: nowhere.
  static std::shared_ptr<notification_pump> create(std::unique_ptr<notify::notification_port> port,
                                                   std::shared_ptr<metrics::registry> figures = nullptr);
  notification_pump(const notification_pump&) = delete;
  notification_pump& operator=(const notification_pump&) = delete;

  /// Registers `socket` for `owner` and arms it: level-triggered, one-shot. The owner gets socket_ready once per arm.
  error_or<registration_id> open(net::socket_handle socket, caf::strong_actor_ptr owner, notify::interest first);
  /// Arms again with the whole wanted filter (N6). `known`: hint::drained, where the caller can promise it. On one of the
  /// pump's workers the kernel may hear of it with the worker's next wait. `removing` after remove(), `not_registered` for
  /// what is gone.
  std::error_code arm(registration_id registration, notify::interest filter,
                      notify::hint known = notify::hint::none) noexcept;
  /// Asks for the end of the registration: registration_closed follows, then nothing more; it follows even if the port
  /// has lost the socket. Again is no error until then, and `not_registered` afterwards. Any other error: nothing
  /// follows, and the owner's handle is kept until stop() (N52).
  std::error_code remove(registration_id registration) noexcept;

  /// Sends deadline_expired{tag} to `owner` when `at` has come, never early; O(1). `none` after stop().
  deadline_id schedule(clock::time_point at, caf::strong_actor_ptr owner, std::uint64_t tag);
  /// Cancels a deadline and releases its owner's handle; O(1). False when it has come: its message is sent, or about to
  /// be.
  bool cancel(deadline_id deadline) noexcept { return deadlines_.cancel(deadline); }
  clock::time_point now() const noexcept { return port_->now(); }
  /// The same as of the calling thread's latest reading, where it is one of the scheduler's workers: at most
  /// pump_worker::jobs_per_clock_reading jobs ago. Costs no reading of the clock there.
  clock::time_point recent() const noexcept { return last_reading.of == this ? last_reading.at : now(); }

  /// Serves the port with `threads` threads of the pump's own, for actor systems with another scheduler. `closed` after
  /// stop(), or the reason why no thread can be started.
  std::error_code start(std::size_t threads);
  /// Serves the port once on the calling thread, which is none of the above: for programs that step their actors. Waits
  /// at most `timeout`; returns how many messages were sent.
  std::size_t serve(notify::notification_port::duration timeout);
  /// Removes every registration and awaits their REMOVE events, then ends those threads: every handle is released, and
  /// open, arm, remove return `closed`. Owners get no message, but for those that await registration_closed: they get
  /// it. Idempotent.
  void stop() noexcept;

  /// Registrations and deadlines now held; for tests and metrics.
  std::size_t registrations() const noexcept { return owners_.size(); }
  std::size_t deadlines() const noexcept { return deadlines_.size(); }

  notify::notification_port& port() noexcept { return *port_; }
  const pump_metrics& figures() const noexcept { return figures_; }

private:
  friend class port_server;
  friend class pump_scheduler;
  friend class pump_worker;

  struct reading {
    const notification_pump* of;
    clock::time_point at;
  };
  static inline constinit thread_local reading last_reading{nullptr, {}};
  /// Reads the clock for this thread's recent().
  clock::time_point read_clock() const noexcept {
    last_reading = {this, now()};
    return last_reading.at;
  }

  notification_pump(std::unique_ptr<notify::notification_port> port, std::shared_ptr<metrics::registry> figures);
  /// A thread of the pump's own: serves the port until the exit key comes (N44).
  void serve_until_exit();
  void await_ends() noexcept;

  /// Its memory, which the threads that serve the port share: the last user may be an actor that ends on one of them.
  std::weak_ptr<notification_pump> self_;
  const pump_metrics figures_;
  const std::unique_ptr<notify::notification_port> port_;
  deadline_wheel deadlines_;
  parking_lot parking_lot_;
  socket_owners owners_;
  std::vector<std::thread> threads_;
};

}  // namespace switchboard
