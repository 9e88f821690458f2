#pragma once

/// The time of the handler that runs, read at most once for all calls that it opens and ends.
///
/// Why        a reading costs as much as a tenth of a short call, and a handler may open and end hundreds.
/// Threads    the connection's.

#include <chrono>

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
  void end_turn() noexcept { read_ = {}; }

private:
  const notification_pump& pump_;
  notification_pump::clock::time_point read_{};  ///< the epoch: not yet
};

}  // namespace switchboard::actors
