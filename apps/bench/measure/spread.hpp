#pragma once

/// Median and quartiles of a figure that was measured several times.
/// Threads    a value.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace switchboard::bench {

struct spread {
  double median = 0;
  double lower = 0;  ///< quartile: a quarter of the values lie below
  double upper = 0;  ///< quartile: a quarter of the values lie above

  /// Between two values by linear interpolation (R's type 7, NumPy's default); zeros without values.
  static spread of(std::vector<double> values) {
    if (values.empty()) return {};
    std::sort(values.begin(), values.end());
    const auto at = [&](double fraction) {
      const auto place = fraction * static_cast<double>(values.size() - 1);
      const auto below = static_cast<std::size_t>(std::floor(place));
      const auto above = std::min(below + 1, values.size() - 1);
      return values[below] + (place - std::floor(place)) * (values[above] - values[below]);
    };
    return {at(0.5), at(0.25), at(0.75)};
  }

  /// Of the quotients of two figures, measured in pairs. A pair whose divisor is 0 has none.
  static spread of_ratios(const std::vector<double>& dividends, const std::vector<double>& divisors) {
    std::vector<double> ratios;
    for (std::size_t each = 0; each < std::min(dividends.size(), divisors.size()); ++each)
      if (divisors[each] != 0) ratios.push_back(dividends[each] / divisors[each]);
    return of(std::move(ratios));
  }
};

}  // namespace switchboard::bench
