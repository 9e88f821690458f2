#pragma once

/// A simulated world's random numbers: the same for the same seed on every machine.
/// Threads    one at a time.

#include <cstddef>
#include <cstdint>

namespace switchboard::simulated {

/// How likely something is, in thousandths.
using chance = unsigned;

class dice {
public:
  explicit dice(std::uint64_t seed) noexcept : state_(seed) {}

  /// The next number (SplitMix64: any seed will do).
  std::uint64_t roll() noexcept {
    state_ += 0x9e3779b97f4a7c15U;
    auto mixed = state_;
    mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
    return mixed ^ (mixed >> 31U);
  }
  /// One of 0 to `end` - 1; 0 where there is none.
  std::uint64_t below(std::uint64_t end) noexcept { return end == 0 ? 0 : roll() % end; }
  /// Whether an event of that chance happens now. Rolls only for what can, so that fair weather uses up no numbers.
  bool happens(chance thousandths) noexcept { return thousandths != 0 && below(1000) < thousandths; }

private:
  std::uint64_t state_;
};

}  // namespace switchboard::simulated
