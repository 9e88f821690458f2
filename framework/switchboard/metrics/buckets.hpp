#pragma once

/// The bounds of histograms' buckets: fixed and named, so that figures of different times and programs compare.
///
/// A bucket counts what is at most its bound and above the one before (Prometheus' `le`); one more counts what is above the
/// last. Bounds are in the steps that are recorded: nanoseconds for seconds, else the unit itself.

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace switchboard::metrics {

/// What a figure is measured in: Prometheus' base units. A figure without one counts things that its name names.
enum class unit : unsigned char { none, seconds, bytes };

struct buckets {
  std::string_view name;
  unit measured_in;
  std::span<const std::uint64_t> bounds;  ///< ascending, at most buckets_max
};
inline constexpr std::size_t buckets_max = 32;

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
