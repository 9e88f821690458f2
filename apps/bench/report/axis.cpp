#include "axis.hpp"

#include <algorithm>
#include <cmath>

namespace switchboard::bench {
namespace {

constexpr double mantissas[] = {1, 2, 5};
/// Of a logarithmic axis; with more, only the powers of ten are marked.
constexpr std::size_t marks_max = 10;

/// The least of 1, 2 and 5 times a power of ten that is not below `value`.
double round_up(double value) {
  const auto power = std::pow(10, std::floor(std::log10(value)));
  for (const auto each : mantissas)
    // Not exact: 0.3 / 0.1 is below 3.
    if (each * power >= value * (1 - 1e-9)) return each * power;
  return 10 * power;
}

/// The greatest of them that is not above it.
double round_down(double value) {
  const auto power = std::pow(10, std::floor(std::log10(value) + 1e-9));
  auto found = power;
  for (const auto each : mantissas)
    if (each * power <= value * (1 + 1e-9)) found = each * power;
  return found;
}

}  // namespace

axis axis::linear(double greatest) {
  axis made;
  if (greatest <= 0) greatest = 1;
  const auto step = round_up(greatest / 5);
  made.end_ = step * std::ceil(greatest / step - 1e-9);
  for (double each = 0; each <= made.end_ + step / 2; each += step) made.marks_.push_back(each);
  return made;
}

axis axis::logarithmic(double least, double greatest) {
  axis made;
  made.is_logarithmic_ = true;
  made.begin_ = round_down(least);
  made.end_ = std::max(round_up(greatest), round_up(made.begin_ * 1.5));
  for (double each = made.begin_; each <= made.end_ * (1 + 1e-9); each = round_up(each * 1.5))
    made.marks_.push_back(each);
  if (made.marks_.size() > marks_max)
    std::erase_if(made.marks_, [](double mark) {
      const auto power = std::log10(mark);
      return std::abs(power - std::round(power)) > 1e-9;
    });
  return made;
}

double axis::place_of(double value) const noexcept {
  if (is_logarithmic_ && value <= 0) return 0;
  const auto place =
      is_logarithmic_ ? std::log(value / begin_) / std::log(end_ / begin_) : (value - begin_) / (end_ - begin_);
  return std::clamp(place, 0.0, 1.0);
}

}  // namespace switchboard::bench
