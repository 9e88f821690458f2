#include <bit>
#include <utility>

#if defined(_WIN32)
#include <windows.h>
#endif

#include <switchboard/metrics/cells.hpp>

namespace switchboard::metrics {
namespace {

/// Bit i: column i is free. The order of its changes hands a column's cells from the thread that returns it to the next.
constinit std::atomic<std::uint64_t> free_columns{~std::uint64_t{0} >> (64 - shared_column)};
static_assert(columns <= 64, "one word says which columns are free");

constinit thread_local bool had_column = false;

void give_back(std::size_t column) noexcept {
  free_columns.fetch_or(std::uint64_t{1} << column, std::memory_order_release);
}

#if defined(_WIN32)

/// Where the system keeps a thread's column, and 1, until the thread ends. A thread_local object would not do: g++ emulates these
/// for Windows, and the memory that they are in may be freed, and made anew by the next access, before their destructors run.
DWORD kept_column() noexcept {
  static const DWORD slot = ::FlsAlloc([](void* kept) { give_back(reinterpret_cast<std::uintptr_t>(kept) - 1); });
  return slot;
}
/// Whether the thread has a column that it does not know of any more.
bool recall_column() noexcept {
  const auto kept = reinterpret_cast<std::uintptr_t>(::FlsGetValue(kept_column()));
  if (kept != 0) this_column = kept - 1;
  return kept != 0;
}
void keep_until_thread_ends(std::size_t column) noexcept {
  ::FlsSetValue(kept_column(), reinterpret_cast<void*>(column + 1));
}

#else

/// Returns the thread's column at its end. What other destructors of the thread count after that goes to the shared one.
struct column_lease {
  ~column_lease() { give_back(std::exchange(this_column, shared_column)); }
};

bool recall_column() noexcept {
  return false;
}
void keep_until_thread_ends(std::size_t) noexcept {
  thread_local column_lease until_thread_ends;
}

#endif

void take_column() noexcept {
  had_column = true;
  if (recall_column()) return;
  auto free = free_columns.load(std::memory_order_relaxed);
  while (free != 0) {
    if (!free_columns.compare_exchange_weak(free, free & (free - 1), std::memory_order_acquire,
                                            std::memory_order_relaxed))
      continue;
    this_column = static_cast<std::size_t>(std::countr_zero(free));
    return keep_until_thread_ends(this_column);
  }
  had_column = false;
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
