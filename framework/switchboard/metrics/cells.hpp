#pragma once

/// Where instruments count: for each figure a row of cells, one for each thread.
///
/// Why        counting must cost about what `++` costs on a variable of the thread's own. So each thread has a column of
///            cells that it alone writes: no locked instruction, and no cache line that two threads write. Reading adds
///            a row up.
/// Threads    add() and sum(): any. A thread takes a column when it counts for the first time and returns it when it
///            ends; what it counted stays there. Threads beyond the columns share the last one, with locked additions.
/// Owns       a block its cells; instruments point to the first cell of a row.
/// Errors     none. Sums wrap at 2^64.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace switchboard::metrics {

using cell = std::atomic<std::uint64_t>;

/// Threads at most that count in a column of their own, and one column for all others.
inline constexpr std::size_t columns = 64;
inline constexpr std::size_t shared_column = columns - 1;
/// Rows of a block. A column's cells lie side by side, so what one thread counts together is in few cache lines.
inline constexpr std::size_t rows_per_block = 256;

/// The calling thread's.
inline constinit thread_local std::size_t this_column = shared_column;

/// The rare way of add(): takes a column for the thread if one is free, else counts in the shared one.
void add_without_column(cell* row, std::uint64_t amount) noexcept;

inline void add(cell* row, std::uint64_t amount) noexcept {
  const auto column = this_column;
  if (column == shared_column) [[unlikely]]
    return add_without_column(row, amount);
  auto& own = row[column * rows_per_block];
  own.store(own.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}

/// What all threads have counted. Never falls while they only add positive amounts.
std::uint64_t sum(const cell* row) noexcept;

/// Two cache lines apart from anything else: processors fetch lines in pairs.
class alignas(128) cell_block {
public:
  /// The first of `count` unused rows, which are the caller's from now on; null where fewer are left. One thread at a time.
  cell* take(std::size_t count) noexcept {
    if (count > rows_per_block - taken_) return nullptr;
    return &cells_[std::exchange(taken_, taken_ + count)];
  }

private:
  std::array<cell, columns * rows_per_block> cells_{};
  std::size_t taken_ = 0;
};

}  // namespace switchboard::metrics
