#pragma once

/// When each message of a fixed rate is due: an open loop, whose schedule does not wait for a slow server.
///
/// Why        a client that sends its next request when the last is answered sends nothing while the server stalls, and so
///            measures one long latency instead of all those that users would have seen ("coordinated omission", Gil
///            Tene). Latencies are therefore counted from the moment a message was due, not from when it was sent.
/// Threads    a value.

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace switchboard::bench {

class pace {
public:
  using time_point = std::chrono::steady_clock::time_point;

  pace(double per_second, time_point start, time_point end)
      : per_second_(per_second), start_(start), end_(end), free_since_(start) {}

  /// When the next message is due.
  time_point due() const noexcept {
    const std::chrono::duration<double> after(static_cast<double>(taken_) / per_second_);
    return start_ + std::chrono::duration_cast<std::chrono::nanoseconds>(after);
  }
  /// Whether all that is due before the end was taken.
  bool is_over() const noexcept { return due() >= end_; }
  bool is_due(time_point now) const noexcept { return !is_over() && due() <= now; }
  /// Takes the next message.
  void take() noexcept { ++taken_; }
  std::uint64_t taken() const noexcept { return taken_; }

  /// Until `now` the next message had no room in its window, whether or not it was due.
  void was_held_until(time_point now) noexcept { free_since_ = now; }
  /// How late the client itself is that sends the next message at `now`: what its window held up is the server's lateness.
  std::chrono::nanoseconds lateness(time_point now) const noexcept { return now - std::max(due(), free_since_); }

private:
  double per_second_;
  time_point start_;
  time_point end_;
  time_point free_since_;
  std::uint64_t taken_ = 0;
};

}  // namespace switchboard::bench
