#pragma once

/// A simulated world's clock and the queue of its future events. Time passes only where advance_to() is called.
/// Threads    one at a time.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>

namespace switchboard::simulated {

class virtual_clock {
public:
  using clock = std::chrono::steady_clock;

  clock::time_point now() const noexcept { return now_; }
  /// Calls `what` when it is `when`. Events of the same time happen by `order`, and of the same order as they were
  /// scheduled.
  void schedule(clock::time_point when, std::uint64_t order, std::function<void()> what);
  /// When the next event happens, not before now; none where the queue is empty.
  std::optional<clock::time_point> next_event() const noexcept;
  /// Moves on to `when`, event by event. Never goes back: an earlier time only runs the events that are due.
  void advance_to(clock::time_point when);

private:
  clock::time_point now_{std::chrono::hours{1}};
  std::multimap<std::pair<clock::time_point, std::uint64_t>, std::function<void()>> events_;
};

}  // namespace switchboard::simulated
