#pragma once

/// One axis of a plot: where a value lies on it, and which values are marked.
/// Threads    a value.

#include <vector>

namespace switchboard::bench {

class axis {
public:
  /// From 0 to a round number that is not below `greatest`.
  static axis linear(double greatest);
  /// From the mark 1, 2 or 5 times a power of ten at or below `least` to the one at or above `greatest`; both above 0.
  static axis logarithmic(double least, double greatest);

  /// 0 at its begin, 1 at its end; what is beyond lies at its end.
  double place_of(double value) const noexcept;
  const std::vector<double>& marks() const noexcept { return marks_; }

private:
  bool is_logarithmic_ = false;
  double begin_ = 0;
  double end_ = 1;
  std::vector<double> marks_;
};

}  // namespace switchboard::bench
