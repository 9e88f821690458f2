#include <bit>

#include <switchboard/metrics/cells.hpp>

namespace switchboard::metrics {
namespace {

/// Bit i: column i is free. The order of its changes hands a column's cells from the thread that returns it to the next.
constinit std::atomic<std::uint64_t> free_columns{~std::uint64_t{0} >> (64 - shared_column)};
static_assert(columns <= 64, "one word says which columns are free");

constinit thread_local bool had_column = false;

/// Returns the thread's column at its end. What other destructors of the thread count after that goes to the shared one.
struct column_lease {
  ~column_lease() {
    const auto returned = std::uint64_t{1} << this_column;
    this_column = shared_column;
    free_columns.fetch_or(returned, std::memory_order_release);
  }
};

void take_column() noexcept {
  auto free = free_columns.load(std::memory_order_relaxed);
  while (free != 0) {
    if (!free_columns.compare_exchange_weak(free, free & (free - 1), std::memory_order_acquire,
                                            std::memory_order_relaxed))
      continue;
    had_column = true;
    this_column = static_cast<std::size_t>(std::countr_zero(free));
    thread_local column_lease until_thread_ends;
    return;
  }
}

}  // namespace

void add_without_column(cell* row, std::uint64_t amount) noexcept {
  if (!had_column) take_column();
  if (this_column != shared_column) return add(row, amount);
  row[shared_column * rows_per_block].fetch_add(amount, std::memory_order_relaxed);
}

std::uint64_t sum(const cell* row) noexcept {
  std::uint64_t all = 0;
  for (std::size_t column = 0; column != columns; ++column)
    all += row[column * rows_per_block].load(std::memory_order_relaxed);
  return all;
}

}  // namespace switchboard::metrics
