#pragma once

/// The time of day that retention by age goes by.
///
/// Why        what retention drops is gone, and a clock that is set ahead makes every message too old. So the time of day is
///            held against a clock that nothing sets: where it is ahead of what was believed before, and has passed since,
///            it is doubted, and time goes on from what was believed. It is believed again once it agrees, or once it
///            has been ahead for `doubted_for`, in which an operator can set it right. A broker that starts again after
///            hours starts in doubt as well: that looks the same.
/// Threads    one at a time.
/// Errors     none.

#include <chrono>
#include <optional>

namespace switchboard::rooms::sqlite {

class retention_clock {
public:
  using milliseconds = std::chrono::milliseconds;
  using steady_time = std::chrono::steady_clock::time_point;

  /// How far ahead the time of day may be of what has passed, for corrections of a clock that runs badly.
  static constexpr milliseconds jump_max = std::chrono::minutes{5};
  /// How long one that is further ahead is doubted.
  static constexpr milliseconds doubted_for = std::chrono::hours{24};

  /// `believed`: the time since 1970 that was believed last, by the broker before, say; 0: none was.
  explicit retention_clock(milliseconds believed) noexcept : believed_(believed) {}

  /// The time to go by, since 1970, where the clock of the day says `day`.
  milliseconds time(milliseconds day, steady_time now) noexcept;
  /// Whether the latest time() was not what the clock of the day said.
  bool in_doubt() const noexcept { return doubted_since_.has_value(); }

private:
  milliseconds believed_;
  std::optional<steady_time> believed_at_;
  std::optional<steady_time> doubted_since_;
};

}  // namespace switchboard::rooms::sqlite
