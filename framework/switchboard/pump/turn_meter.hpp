#pragma once

/// Measures how much processor time actors take in one go.
///
/// Why        an actor that keeps its worker keeps all others waiting; how long it did is to be seen from outside, also on a busy
///            machine, where wall time says little.
/// How        reading the thread's clock is a system call (0.3 µs, more than one in some virtual machines): too much for each
///            turn. The processor's cycle counter costs 10 ns, and is what the worker's own time slice is measured with. By it
///            the thread's clock is read after each `reading_interval` of turns. A turn that took less cannot have had more
///            processor time. Of a longer one the thread's clock says what it had since it was read last, at most one
///            interval before the turn: so much the figure may be too high, never too low.
/// Interrupted  when the system takes a thread off its processor and puts it back, it may charge the thread for time that it did
///            not have, milliseconds of it in a virtual machine. So a long turn since whose last measurement that has happened
///            is counted apart: of the others the figure can be trusted. Where the system does not say (Windows), none is counted apart.
/// Figure     switchboard_pump_turn_cpu_seconds{interrupted="no|yes"}
/// Threads    its worker's. The registry outlives it.
/// Errors     none.

#include <chrono>
#include <cstdint>
#include <memory>

#include <switchboard/metrics/registry.hpp>

namespace switchboard {

class turn_meter {
public:
  using ticks = std::uint64_t;

  static constexpr std::chrono::microseconds reading_interval{500};
  /// What a wait at the port is taken to cost: it counts with the turns.
  static constexpr std::chrono::microseconds wait_cost{10};

  /// @param in  null: nothing is counted
  explicit turn_meter(const std::shared_ptr<metrics::registry>& in);

  /// The thread begins, or goes on after it has slept: the next turn begins now.
  void start() noexcept;
  /// A turn has ended, and the next begins.
  void end_turn() noexcept;
  /// When the turn that runs, or is to run next, began.
  ticks began() const noexcept { return began_; }
  /// How long it has run.
  std::chrono::nanoseconds elapsed() const noexcept;
  /// About how long so many ticks take.
  std::chrono::nanoseconds in_time(ticks of) const noexcept {
    return std::chrono::nanoseconds{static_cast<std::int64_t>(static_cast<double>(of) * ns_per_tick_)};
  }

private:
  ticks in_ticks(std::chrono::nanoseconds time) const noexcept {
    return static_cast<ticks>(static_cast<double>(time.count()) / ns_per_tick_);
  }
  void measure(ticks took) noexcept;

  metrics::histogram figure_;
  metrics::histogram interrupted_;
  ticks began_ = 0;
  ticks busy_ = 0;                              ///< since the thread's clock was read
  std::chrono::nanoseconds processor_time_{0};  ///< as it was read last
  long interruptions_ = 0;                      ///< the same
  // The counter's frequency, from its reading and the clock's at the start and at the latest measurement. Until then it is
  // taken to be low, so that what is short is measured too.
  double ns_per_tick_ = 1;
  ticks interval_ticks_ = in_ticks(reading_interval);
  ticks wait_ticks_ = in_ticks(wait_cost);
  ticks first_tick_ = 0;
  std::chrono::steady_clock::time_point first_time_{};
};

}  // namespace switchboard
