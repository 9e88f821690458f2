#pragma once

/// Returns memory that was freed to the system.
///
/// Why        the allocator keeps freed blocks that lie below used ones, so after a flood of requests, or when rooms were
///            trimmed, a process would stay as large as it ever was. Returning them takes the allocator's locks and walks its
///            heaps (malloc_trim(3)): not something for a worker, nor for each release. What the allocator would return by
///            itself, in the middle of a handler that frees the last of a large piece, it mostly leaves to this as well.
/// Again      what an account gave up is freed by and by, by actors that still have messages about it: a room that
///            thousands of streams leave takes a second. So the heap is walked again later, each time after twice as long.
/// Threads    one, none of them a worker.
/// Errors     none.

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstddef>

#include <malloc.h>

#include <switchboard/budget/ledger.hpp>

namespace switchboard {

class heap_trimmer {
public:
  /// How often look() is called: at most so often is the heap walked.
  static constexpr std::chrono::milliseconds period{400};
  /// Less is not worth the walk.
  static constexpr std::size_t worth_returning_bytes = std::size_t{8} << 20;
  /// After much was released: walks the heap at the first of these, the second, the fourth, and so on.
  static constexpr unsigned looks_after_release = 16;

  /// `of` lives longer.
  explicit heap_trimmer(const budget::ledger& of) noexcept : memory_(of) {
    // The most that the allocator takes as a threshold for pieces that it maps one by one.
    ::mallopt(M_MMAP_THRESHOLD, 32 << 20);
    // The end of an arena that is not the main one is returned by no walk, but when a block is freed.
    ::mallopt(M_TRIM_THRESHOLD, 8 << 20);
  }

  /// Walks the heap if much was released since it was walked last, or a while before. Whether it did.
  bool look() noexcept {
    const auto used = memory_.used();
    most_ = std::max(most_, used);
    if (most_ - used >= worth_returning_bytes) {
      most_ = used;
      looks_ = 0;
    }
    if (looks_ == looks_after_release || !std::has_single_bit(++looks_)) return false;
    ::malloc_trim(0);
    return true;
  }

private:
  const budget::ledger& memory_;
  std::size_t most_ = 0;  ///< that was used since much was released
  unsigned looks_ = looks_after_release;
};

}  // namespace switchboard
