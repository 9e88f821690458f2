#pragma once

/// The pump's deadlines: a hierarchical timing wheel of one-millisecond ticks.
///
/// Why        nearly every deadline is cancelled before it comes, so scheduling and cancelling are O(1) and only what
///            comes near is ever sorted.
/// Threads    any; one lock. nearest() takes none.
/// Owns       an actor handle per deadline, released when it is cancelled or collected, never under the lock.
/// Errors     deadline_id::none after close() or above the limit.

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <limits>
#include <mutex>
#include <vector>

#include <caf/actor_control_block.hpp>

#include <switchboard/pump/readiness_messages.hpp>

namespace switchboard {

inline constexpr std::uint32_t max_deadlines = std::uint32_t{1} << 24;

class deadline_wheel {
public:
  using time_point = std::chrono::steady_clock::time_point;
  using duration = time_point::duration;
  static constexpr duration tick = std::chrono::milliseconds(1);

  struct scheduled {
    deadline_id id = deadline_id::none;
    bool is_nearest = false;  ///< nearest() has become earlier
  };
  struct due {
    time_point at;
    caf::strong_actor_ptr owner;
    std::uint64_t tag;
  };

  /// @param origin  the clock's reading now.
  /// @param limit   deadlines at most.
  explicit deadline_wheel(time_point origin, std::uint32_t limit = max_deadlines) noexcept;

  scheduled schedule(time_point at, caf::strong_actor_ptr owner, std::uint64_t tag);
  bool cancel(deadline_id id) noexcept;
  /// Appends what is due at `now`, in order; stops at the end of the tick that makes it `enough`.
  void collect(time_point now, std::size_t enough, std::vector<due>& out);
  /// No deadline comes before this moment; none() when there is none. May be earlier than the first deadline.
  time_point nearest() const noexcept { return time_point(duration(nearest_.load(std::memory_order_seq_cst))); }
  static constexpr time_point none() noexcept { return time_point::max(); }
  /// Drops every deadline and its handle, and refuses new ones from now on.
  void close() noexcept;

  std::size_t size() const noexcept { return size_.load(std::memory_order_relaxed); }

private:
  using index = std::uint32_t;
  static constexpr index no_node = ~index{0};
  static constexpr unsigned level_bits = 6;
  static constexpr unsigned levels = 7;
  static constexpr unsigned slots_per_level = 1u << level_bits;
  static constexpr std::uint64_t last_tick = (std::uint64_t{1} << (level_bits * levels)) - 1;  // 139 years
  // The lists: one a slot, and one for deadlines that had come when they were scheduled.
  static constexpr unsigned overdue = levels * slots_per_level;

  struct node {
    time_point at;
    caf::strong_actor_ptr owner;
    std::uint64_t tag = 0;
    std::uint32_t generation = 1;  // so that no id is deadline_id::none
    index previous = no_node;
    index next = no_node;
    std::uint32_t list = 0;
    bool used = false;
  };

  std::uint64_t tick_of(time_point at) const noexcept;
  time_point time_of(std::uint64_t a_tick) const noexcept {
    return origin_ + tick * static_cast<duration::rep>(a_tick);
  }
  void link(index which) noexcept;
  void unlink(index which) noexcept;
  caf::strong_actor_ptr free(index which) noexcept;
  struct step {
    std::uint64_t at;
    unsigned list;
  };
  /// The next slot that must be looked at: its deadlines are due, or move to a finer level.
  bool next_step(step& found) const noexcept;
  void publish_nearest() noexcept;

  const time_point origin_;
  const std::uint32_t limit_;
  mutable std::mutex lock_;
  std::uint64_t now_tick_ = 0;  // every deadline of this tick and before was collected, or is overdue
  std::deque<node> nodes_;      // a deque never moves them
  index first_free_ = no_node;
  std::array<index, levels * slots_per_level + 1> first_;
  std::array<std::uint64_t, levels> occupied_{};
  bool closed_ = false;
  std::atomic<duration::rep> nearest_{std::numeric_limits<duration::rep>::max()};
  std::atomic<std::size_t> size_{0};
};

}  // namespace switchboard
