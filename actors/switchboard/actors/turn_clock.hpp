#pragma once

/// The time of the handler that runs, read at most once for all calls that it ends, and for those it opens only where they
/// have a deadline.
///
/// Why        a reading costs as much as a tenth of a short call, and a handler may open and end hundreds.
/// Threads    the connection's.

#include <chrono>
#include <cstdint>

#include <switchboard/pump/notification_pump.hpp>

namespace switchboard::actors {

class turn_clock {
public:
  /// `pump` lives longer.
  explicit turn_clock(const notification_pump& pump) noexcept : pump_(pump) {}

  notification_pump::clock::time_point now() noexcept {
    if (read_ == notification_pump::clock::time_point{}) read_ = pump_.now();
    return read_;
  }
  /// The same, or a little earlier: as of the worker's latest reading.
  notification_pump::clock::time_point began() const noexcept {
    return read_ == notification_pump::clock::time_point{} ? pump_.recent() : read_;
  }
  /// When a call that arrived in this handler is to be answered, which its client gave `timeout_ms`; 0: never.
  notification_pump::clock::time_point deadline_of(std::uint32_t timeout_ms) noexcept {
    return timeout_ms == 0 ? notification_pump::clock::time_point::max()
                           : now() + std::chrono::milliseconds{timeout_ms};
  }
  void end_turn() noexcept { read_ = {}; }

private:
  const notification_pump& pump_;
  notification_pump::clock::time_point read_{};  ///< the epoch: not yet
};

}  // namespace switchboard::actors
