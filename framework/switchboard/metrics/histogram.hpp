#pragma once

/// How values are distributed, such as durations or sizes of batches.
///
/// Threads    observe(): any, two additions and a short search among the bounds; a
///            registry's snapshot reads it.
/// Owns       nothing: the registry that made it must outlive its use. One without a registry counts nothing.
/// Errors     none. A duration below zero counts as zero.

#include <algorithm>
#include <chrono>
#include <cstddef>

#include <switchboard/error/invariant.hpp>
#include <switchboard/metrics/buckets.hpp>
#include <switchboard/metrics/cells.hpp>

namespace switchboard::metrics {

class histogram {
public:
  histogram() = default;

  /// @pre its buckets are not in seconds
  void observe(std::uint64_t value) const noexcept {
    if (row_ == nullptr) return;
    SWITCHBOARD_INVARIANT(buckets_->measured_in != unit::seconds, "a histogram of durations was given a number");
    record(value);
  }
  /// @pre its buckets are in seconds
  void observe(std::chrono::nanoseconds duration) const noexcept {
    if (row_ == nullptr) return;
    SWITCHBOARD_INVARIANT(buckets_->measured_in == unit::seconds, "a histogram of numbers was given a duration");
    record(static_cast<std::uint64_t>(std::max(duration.count(), std::chrono::nanoseconds::rep{0})));
  }

  /// Rows that one histogram takes: the sum, the buckets, what is above them.
  static constexpr std::size_t rows(const buckets& of) noexcept { return of.bounds.size() + 2; }

private:
  template <class Instrument>
  friend class family;
  histogram(cell* row, const buckets* of) noexcept : row_(row), buckets_(of) {}

  void record(std::uint64_t value) const noexcept {
    metrics::add(row_, value);
    metrics::add(row_ + 1 + buckets_->of(value), 1);
  }

  cell* row_ = nullptr;
  const buckets* buckets_ = nullptr;
};

}  // namespace switchboard::metrics
