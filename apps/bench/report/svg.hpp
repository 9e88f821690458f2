#pragma once

/// Line plots as SVG 1.1: axes, labels, lines with their quartiles, a legend. Readable on light and dark pages.
/// Threads    any.

#include <optional>
#include <string>
#include <vector>

namespace switchboard::bench {

struct plot {
  struct point {
    double x = 0;
    double y = 0;
    std::optional<double> lower;  ///< quartiles of y, where it is a median
    std::optional<double> upper;
  };
  struct series {
    std::string name;
    std::vector<point> points;  ///< by x
  };

  std::string title;
  std::string x_label;
  std::string y_label;
  std::vector<std::string> x_names;  ///< of x 0, 1, 2, …; empty: x is a number, on a logarithmic axis
  bool y_is_logarithmic = false;     ///< else from 0 on
  std::vector<series> lines;         ///< lines_max at most are drawn; the legend says how many are not

  static constexpr std::size_t lines_max = 8;
};

/// One picture, the plots one below the other.
std::string to_svg(const std::vector<plot>& plots);

}  // namespace switchboard::bench
