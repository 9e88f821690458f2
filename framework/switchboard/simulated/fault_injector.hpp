#pragma once

/// What goes wrong in a simulated world, and when: by the weather, drawn from the seed; or because a test broke a rule.
/// Threads    one at a time.

#include <array>
#include <cstdint>
#include <limits>
#include <optional>

#include <switchboard/simulated/dice.hpp>
#include <switchboard/simulated/fault.hpp>
#include <switchboard/simulated/weather.hpp>

namespace switchboard::simulated {

/// What can fail for a while.
enum class attempt : unsigned char { call, request, accept };

class fault_injector {
public:
  /// Failures of one kind in a row; a longer series would not be transient (N17).
  static constexpr int failures_in_a_row_limit = 2;

  explicit fault_injector(std::uint64_t seed) noexcept : dice_(seed) {}

  dice& chances() noexcept { return dice_; }
  weather& conditions() noexcept { return weather_; }
  const weather& conditions() const noexcept { return weather_; }
  /// Whether this attempt fails.
  bool fails(attempt what) noexcept;

  bool broken(fault rule) const noexcept { return broken_ == rule; }
  /// From its beginning: the first edge after this is reported.
  void break_rule(fault rule) noexcept {
    broken_ = rule;
    is_next_edge_lost_ = false;
  }
  /// Whether fault::edge_is_lost takes this edge: every second one.
  bool loses_edge() noexcept;

  /// Counts a re-arm; whether it is the one that is to be lost.
  bool loses_rearm() noexcept { return rearms_++ == lost_rearm_; }
  /// Of the re-arms from now on, the one with this number, counted from 0, is to be lost.
  void lose_rearm(std::uint64_t number) noexcept { lost_rearm_ = rearms_ + number; }
  std::uint64_t rearms() const noexcept { return rearms_; }

  /// Counts a re-arm that called a socket drained which was not (N56).
  void note_false_word() noexcept { ++false_words_; }
  std::uint64_t false_words() const noexcept { return false_words_; }

private:
  dice dice_;
  weather weather_;
  std::array<int, 3> failures_in_a_row_{};  // by attempt
  std::optional<fault> broken_;
  bool is_next_edge_lost_ = false;
  std::uint64_t rearms_ = 0;
  std::uint64_t false_words_ = 0;
  std::uint64_t lost_rearm_ = std::numeric_limits<std::uint64_t>::max();
};

}  // namespace switchboard::simulated
