#pragma once

/// Whether numbered messages arrive each once and in order.
///
/// Threads    a value.
/// Limits     remembers at most missing_max numbers that were skipped; a late one that is forgotten counts as duplicated.

#include "faults.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>

namespace switchboard::bench {

class sequence_check {
public:
  static constexpr std::size_t missing_max = 10'000;

  /// Takes the next number that arrived, of a sequence from 0, and corrects `into` where one that was taken for lost came
  /// late. Returns how many of the sequence are now accounted for that were not: arrived or skipped.
  std::uint64_t take(std::uint64_t number, faults& into) {
    if (number == next_) {
      ++next_;
      return 1;
    }
    if (number > next_) return skip_to(number, into);
    if (missing_.erase(number) == 0) {
      ++into.duplicated;
    } else {
      // In another slice's count, where it came that late.
      if (into.lost != 0) --into.lost;
      ++into.reordered;
    }
    return 0;
  }

private:
  std::uint64_t skip_to(std::uint64_t number, faults& into) {
    const auto skipped = number - next_;
    into.lost += skipped;
    const auto remembered = std::min<std::uint64_t>(skipped, missing_max - std::min(missing_max, missing_.size()));
    for (std::uint64_t each = number - remembered; each < number; ++each) missing_.insert(each);
    next_ = number + 1;
    return skipped + 1;
  }

  std::uint64_t next_ = 0;
  std::set<std::uint64_t> missing_;
};

}  // namespace switchboard::bench
