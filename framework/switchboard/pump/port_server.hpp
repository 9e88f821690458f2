#pragma once

/// One thread's turn at the port: packets in, made into messages.
///
/// Why        workers of the pump's scheduler and threads of the pump's own do the same thing.
/// Threads    its own thread alone.
/// Batches    are released as soon as packets have become messages, so that no handler holds back a REMOVE event (N49).

#include <array>
#include <memory>
#include <vector>

#include <caf/fwd.hpp>

#include <switchboard/pump/notification_pump.hpp>

namespace switchboard {

class port_server {
public:
  /// Packets per turn: enough to spread the system call's cost, few enough to leave some for the other threads.
  static constexpr std::size_t packets_per_turn = 64;
  static constexpr std::size_t deadlines_per_turn = 256;
  /// A failing call may succeed later (N17); if it keeps failing the process gets no events any more.
  static constexpr int max_failures_in_a_row = 100;

  struct outcome {
    std::size_t messages = 0;  ///< sent
    std::size_t wakes = 0;     ///< wake packets taken; the caller reports them to the parking lot
    bool exit = false;         ///< the exit key was among the packets
  };

  /// @param unit  runs the actors that get messages; null hands them to their system's scheduler.
  port_server(std::shared_ptr<notification_pump> pump, caf::execution_unit* unit);
  port_server(const port_server&) = delete;
  port_server& operator=(const port_server&) = delete;

  /// Makes this the calling thread's server, until leave().
  void enter() noexcept;
  void leave() noexcept;
  /// Waits at most `timeout` for packets, then sends the messages for them and for the deadlines that have come.
  outcome serve(notify::notification_port::duration timeout);

  /// Whether the calling thread serves the port of `pump`; whether as `unit`.
  static bool serves_here(const notification_pump& pump) noexcept;
  static bool serves_as(const caf::execution_unit* unit) noexcept;

private:
  std::size_t send_due_deadlines();

  const std::shared_ptr<notification_pump> pump_;
  caf::execution_unit* const unit_;
  std::array<notify::packet, packets_per_turn> packets_;
  std::vector<deadline_wheel::due> due_;
  int failures_ = 0;
};

}  // namespace switchboard
