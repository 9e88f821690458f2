#pragma once

/// Returns memory that was freed to the system.
///
/// Why        the allocator keeps freed blocks that lie below used ones, so after a flood of requests, or when rooms were
///            trimmed, a process would stay as large as it ever was. Returning them takes the allocator's locks and walks its
///            heaps (malloc_trim(3)): not something for a worker, nor for each release. What the allocator would return by
///            itself, in the middle of a handler that frees the last of a large piece, it leaves to this as well.
/// Threads    one, none of them a worker.
/// Errors     none.

#include <algorithm>
#include <chrono>
#include <cstddef>

#include <malloc.h>

#include <switchboard/budget/ledger.hpp>

namespace switchboard {

class heap_trimmer {
public:
  /// How often look() is called: at most so often is the heap walked.
  static constexpr std::chrono::seconds period{1};
  /// Less is not worth the walk.
  static constexpr std::size_t worth_returning_bytes = std::size_t{8} << 20;

  /// `of` lives longer.
  explicit heap_trimmer(const budget::ledger& of) noexcept : memory_(of) {
    // The most that the allocator takes as a threshold for pieces that it maps one by one.
    ::mallopt(M_MMAP_THRESHOLD, 32 << 20);
    ::mallopt(M_TRIM_THRESHOLD, 1 << 30);
  }

  /// Whether much was released since the heap was walked last, which then is done.
  bool look() noexcept {
    const auto used = memory_.used();
    most_ = std::max(most_, used);
    if (most_ - used < worth_returning_bytes) return false;
    most_ = used;
    ::malloc_trim(0);
    return true;
  }

private:
  const budget::ledger& memory_;
  std::size_t most_ = 0;  ///< that was used since then
};

}  // namespace switchboard
