#pragma once

/// A room's newest membership events, each with its place among the messages.
///
/// Why        presence is not in the log; a reader of history gets the kept events at their places.
/// Threads    place: the room alone. All else: any; drop_oldest() is for the one who bounds the memory of all rooms.
/// Owns       at most `limit` changes.
/// Errors     none.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

#include <switchboard/wire/shared_bytes.hpp>

namespace switchboard::rooms {

struct presence_change {
  std::uint64_t number = 0;      ///< 1, 2, 3, … in the order in which they happened
  std::uint64_t after = 0;       ///< the message it is placed after
  std::uint64_t membership = 0;  ///< whose
  wire::shared_bytes bytes;
};

class presence_window {
public:
  static constexpr std::size_t default_limit = 1024;

  explicit presence_window(std::size_t limit = default_limit) : limit_(limit) {}

  /// Adds a change after message `after`, which must not be below that of the change before it; its number.
  std::uint64_t place(std::uint64_t after, std::uint64_t membership, wire::shared_bytes bytes) {
    std::lock_guard lock(mutex_);
    const auto number = oldest() + changes_.size();
    footprint_.fetch_add(footprint_of(bytes), std::memory_order_relaxed);
    changes_.push_back({number, after, membership, std::move(bytes)});
    if (changes_.size() > limit_) forget_oldest();
    return number;
  }

  /// Forgets the oldest change; false where there is none.
  bool drop_oldest() {
    std::lock_guard lock(mutex_);
    if (changes_.empty()) return false;
    forget_oldest();
    return true;
  }
  /// What the changes take of the heap.
  std::size_t footprint() const noexcept { return footprint_.load(std::memory_order_relaxed); }

  /// The number of the oldest change kept; next_number() where there is none.
  std::uint64_t oldest() const noexcept { return oldest_.load(std::memory_order_acquire); }

  /// The number that the next change will have.
  std::uint64_t next_number() const {
    std::lock_guard lock(mutex_);
    return oldest() + changes_.size();
  }

  /// The number of the oldest kept change that is placed after message `sequence` or a later one; next_number() where
  /// there is none.
  std::uint64_t first_placed_at(std::uint64_t sequence) const;

  /// The kept changes numbered `from` to below `to` that are placed before message `sequence`, the first `most` of
  /// them.
  std::vector<presence_change> before(std::uint64_t sequence, std::uint64_t from, std::uint64_t to,
                                      std::size_t most = default_limit) const;

private:
  static std::size_t footprint_of(const wire::shared_bytes& bytes) noexcept {
    return sizeof(presence_change) + bytes.footprint();
  }
  void forget_oldest() {
    footprint_.fetch_sub(footprint_of(changes_.front().bytes), std::memory_order_relaxed);
    changes_.pop_front();
    oldest_.store(oldest() + 1, std::memory_order_release);
  }

  const std::size_t limit_;
  mutable std::mutex mutex_;
  std::deque<presence_change> changes_;
  std::atomic<std::uint64_t> oldest_{1};
  std::atomic<std::size_t> footprint_{0};
};

}  // namespace switchboard::rooms
