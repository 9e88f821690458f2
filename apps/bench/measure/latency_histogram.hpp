#pragma once

/// Counts of latencies in log-linear buckets: any range, 1.6 % wide at most, nothing allocated while measuring.
/// Threads    a value.

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace switchboard::bench {

class latency_histogram {
public:
  void add(std::chrono::nanoseconds latency) noexcept {
    const auto value = static_cast<std::uint64_t>(latency.count() < 0 ? 0 : latency.count());
    ++buckets_[bucket_of(value)];
    ++count_;
    if (value > max_) max_ = value;
  }

  void add(const latency_histogram& other) noexcept {
    for (std::size_t each = 0; each < buckets_.size(); ++each) buckets_[each] += other.buckets_[each];
    count_ += other.count_;
    if (other.max_ > max_) max_ = other.max_;
  }

  std::uint64_t count() const noexcept { return count_; }
  std::chrono::nanoseconds max() const noexcept { return std::chrono::nanoseconds(max_); }

  /// The upper end of the bucket below or in which `fraction` of all values lie; 0 without values.
  std::chrono::nanoseconds quantile(double fraction) const noexcept {
    const auto wanted = static_cast<double>(count_) * fraction;
    std::uint64_t seen = 0;
    for (std::size_t each = 0; each < buckets_.size(); ++each) {
      seen += buckets_[each];
      if (buckets_[each] != 0 && static_cast<double>(seen) >= wanted) {
        const auto upper = upper_end(each);
        return std::chrono::nanoseconds(upper < max_ ? upper : max_);
      }
    }
    return std::chrono::nanoseconds(max_);
  }

private:
  // Values below 64 have buckets of their own; each power of two above has 64 equal ones.
  static constexpr unsigned linear_bits = 6;
  static constexpr std::size_t linear = std::size_t{1} << linear_bits;

  static constexpr std::size_t bucket_of(std::uint64_t value) noexcept {
    if (value < linear) return value;
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - 1 - linear_bits;
    return (shift + 1) * linear + (value >> shift) - linear;
  }
  static constexpr std::uint64_t upper_end(std::size_t bucket) noexcept {
    if (bucket < linear) return bucket;
    const auto shift = bucket / linear - 1;
    return ((bucket % linear + linear + 1) << shift) - 1;
  }

  std::array<std::uint64_t, linear*(64 - linear_bits + 1)> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace switchboard::bench
