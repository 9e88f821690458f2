#pragma once

/// What a registry's figures were at one moment: for tests and exporters.
///
/// Threads    as a value's.
/// Owns       its content: it may outlive the registry.
/// Errors     a family or series that is not there reads as zero.

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include <switchboard/metrics/buckets.hpp>

namespace switchboard::metrics {

enum class kind : unsigned char { counter, gauge, histogram };
/// As Prometheus' exposition format names it.
std::string_view to_string(kind of) noexcept;

/// One combination of a family's labels.
struct series_reading {
  std::vector<std::string> labels;  ///< values, in the order of the family's names
  std::int64_t value = 0;           ///< of a histogram: how many were observed
  /// Of a histogram: how many each bucket has, not accumulated; the last is above all bounds.
  std::vector<std::uint64_t> buckets;
  double sum = 0;  ///< of a histogram, in the family's unit
};

struct family_reading {
  std::string name;
  std::string help;
  metrics::kind kind = kind::counter;
  metrics::unit unit = unit::none;
  std::vector<std::string> labels;     ///< names
  std::string buckets;                 ///< their name; empty unless a histogram
  std::vector<double> bounds;          ///< of a histogram's buckets, in the unit
  std::vector<series_reading> series;  ///< ascending by label values
};

struct snapshot {
  std::vector<family_reading> families;  ///< ascending by name

  const family_reading* find(std::string_view family) const noexcept;
  /// Null where there is none.
  const series_reading* find(std::string_view family, std::initializer_list<std::string_view> labels) const noexcept;
  std::int64_t value(std::string_view family, std::initializer_list<std::string_view> labels = {}) const noexcept;
  /// Of all its series together.
  std::int64_t total(std::string_view family) const noexcept;
};

}  // namespace switchboard::metrics
