#pragma once

/// Returns memory that was freed to the system.
///
/// Why        the allocator keeps freed blocks that lie below used ones, so after a flood of requests, or when rooms were
///            trimmed, a process would stay as large as it ever was. Returning them takes the allocator's locks and walks its
///            heaps (malloc_trim(3)): not something for a worker, nor for each release. What the allocator would return by
///            itself, in the middle of a handler that frees the last of a large piece, it mostly leaves to this as well.
/// When       the process holds more beside what is on the ledger than it did after the last walk. What the ledger had at
///            looks does not show it: a flood can be over between two of them.
/// Again      what an account gave up is freed by and by, by actors that still have messages about it: a room that
///            thousands of streams leave takes a second. So the heap is walked again later, each time after twice as long.
/// Threads    one, none of them a worker.
/// Errors     none.

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstddef>
#include <functional>
#include <utility>

#include <malloc.h>

#include <switchboard/budget/ledger.hpp>
#include <switchboard/server/anonymous_memory.hpp>

namespace switchboard {

class heap_trimmer {
public:
  /// How often look() is called: at most so often is the heap walked.
  static constexpr std::chrono::milliseconds period{100};
  /// Less is not worth the walk.
  static constexpr std::size_t worth_returning_bytes = std::size_t{8} << 20;
  /// After there was much to return: walks the heap at the first of these, the second, the fourth, and so on.
  static constexpr unsigned looks_after_much = 64;

  /// @param of    lives longer
  /// @param held  what the process holds, in bytes
  explicit heap_trimmer(const budget::ledger& of, std::function<std::size_t()> held = anonymous_bytes)
      : memory_(of), held_(std::move(held)), least_(beside_the_ledger()) {
    // The most that the allocator takes as a threshold for pieces that it maps one by one.
    ::mallopt(M_MMAP_THRESHOLD, 32 << 20);
    // The end of an arena that is not the main one is returned by no walk, but when a block is freed.
    ::mallopt(M_TRIM_THRESHOLD, 8 << 20);
  }

  /// Walks the heap if that may return much. Whether it did.
  bool look() {
    const auto beside = beside_the_ledger();
    least_ = std::min(least_, beside);
    if (beside >= least_ + worth_returning_bytes) looks_ = 0;
    if (looks_ == looks_after_much || !std::has_single_bit(++looks_)) return false;
    ::malloc_trim(0);
    // What is left is in use, or lies between blocks that are.
    least_ = beside_the_ledger();
    return true;
  }

private:
  std::size_t beside_the_ledger() const {
    const auto held = held_();
    return held - std::min(held, memory_.used());
  }

  const budget::ledger& memory_;
  const std::function<std::size_t()> held_;
  std::size_t least_;  ///< since the last walk
  unsigned looks_ = looks_after_much;
};

}  // namespace switchboard
