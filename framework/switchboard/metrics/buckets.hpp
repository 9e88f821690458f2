#pragma once

/// The bounds of histograms' buckets: fixed and named, so that figures of different times and programs compare.
///
/// A bucket counts what is at most its bound and above the one before (Prometheus' `le`); one more counts what is above the
/// last. Bounds are in the steps that are recorded: nanoseconds for seconds, else the unit itself.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace switchboard::metrics {

/// What a figure is measured in: Prometheus' base units. A figure without one counts things that its name names.
enum class unit : unsigned char { none, seconds, bytes };

inline constexpr std::size_t buckets_max = 32;

class buckets {
public:
  /// @pre `ascending` has at most buckets_max bounds, and lives as long
  constexpr buckets(std::string_view of, unit in, std::span<const std::uint64_t> ascending) noexcept
      : name(of), measured_in(in), bounds(ascending) {
    for (std::size_t width = 0; width != begins_.size(); ++width) {
      const auto least = width == 0 ? 0 : std::uint64_t{1} << (width - 1);
      while (begins_[width] < bounds.size() && bounds[begins_[width]] < least) ++begins_[width];
    }
  }

  /// Which bucket counts `value`; bounds.size(): the one above the last. A value's width leaves few to look at.
  constexpr std::size_t of(std::uint64_t value) const noexcept {
    std::size_t bucket = begins_[static_cast<std::size_t>(std::bit_width(value))];
    while (bucket < bounds.size() && value > bounds[bucket]) ++bucket;
    return bucket;
  }

  std::string_view name;
  unit measured_in;
  std::span<const std::uint64_t> bounds;

private:
  std::array<std::uint8_t, 65> begins_{};  ///< by width in bits: the first bucket for values of that width
};

namespace bounds {
inline constexpr std::uint64_t us = 1'000, ms = 1'000'000, s = 1'000'000'000;
inline constexpr std::array<std::uint64_t, 19> latency{
    10 * us, 25 * us, 50 * us,  100 * us, 250 * us, 500 * us, 1 * ms,    2'500 * us, 5 * ms, 10 * ms,
    25 * ms, 50 * ms, 100 * ms, 250 * ms, 500 * ms, 1 * s,    2500 * ms, 5 * s,      10 * s};
inline constexpr std::array<std::uint64_t, 13> batch{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1'024, 2'048, 4'096};
}  // namespace bounds

/// How long something takes that one waits for: 10 µs to 10 s.
inline constexpr buckets latency{"latency", unit::seconds, bounds::latency};
/// How much is done at once: 1 to 4,096.
inline constexpr buckets batch{"batch", unit::none, bounds::batch};

}  // namespace switchboard::metrics
