#pragma once

/// When a journal looks for messages that are too old, and how late it then is.
/// Threads    one at a time.
/// Owns       a retention_clock. It says in the log when the clock of the day is doubted, where ages matter.
/// Errors     none.

#include <chrono>
#include <cstdint>

#include <switchboard/rooms/sqlite/retention_clock.hpp>
#include <switchboard/rooms/sqlite_store.hpp>

namespace switchboard::rooms::sqlite {

class age_watch {
public:
  using steady_clock = std::chrono::steady_clock;

  /// `believed`: the time that the journal before believed last, since 1970; 0: none was.
  age_watch(const sqlite_options& options, std::chrono::milliseconds believed);

  /// When rooms without new messages are looked at next.
  steady_clock::time_point next_look() const noexcept { return next_look_; }
  /// Whether it is time for that; the next one is then an interval later.
  bool takes_look(steady_clock::time_point now) noexcept;
  /// Whether the time that is believed is to be stored again, with whatever is stored then: once an interval.
  bool takes_note(steady_clock::time_point now) noexcept;
  /// What the clock of the day says, in milliseconds since 1970.
  std::uint64_t time_of_day() const;
  /// The time that ages count to, in milliseconds since 1970.
  std::uint64_t believed();

private:
  const sqlite_options& options_;
  retention_clock clock_;
  steady_clock::time_point next_look_;
  steady_clock::time_point next_note_{};
};

}  // namespace switchboard::rooms::sqlite
