#pragma once

/// The membership events that a room has kept and a reader has yet to be given, in order, looked up a few at a time.
/// Threads    one.
/// Owns       the few: `held_max` at most, which is what a reader that stands still costs besides its page.

#include <cstddef>
#include <cstdint>
#include <vector>

#include <switchboard/rooms/presence_window.hpp>

namespace switchboard::rooms {

class presence_reader {
public:
  static constexpr std::size_t held_max = 16;

  /// @param first  the number of the first event to give.
  /// @param own    the membership whose events this reader is not given; 0: none.
  presence_reader(const presence_window& kept, std::uint64_t first, std::uint64_t own) noexcept
      : kept_(kept), own_(own), next_(first) {}

  /// Leaves out the events numbered below `number`.
  void skip_to(std::uint64_t number) noexcept {
    if (number > next_) next_ = number;
  }
  /// Looks up events placed before message `before` and numbered below `end`. Whether there are any.
  bool fetch(std::uint64_t before, std::uint64_t end);
  /// The same for those after the ones that were looked up and given. Whether there are any.
  bool fetch_more(std::uint64_t end) { return !has_next() && more_ && fetch(before_, end); }
  bool has_next() const noexcept { return index_ < held_.size(); }
  /// The next of those looked up that is placed before message `before`; null where there is none.
  const presence_change* next(std::uint64_t before) noexcept;
  /// Whether an event met in the tail is to be given now: it was not before, is still kept, and is not the reader's own.
  bool takes(std::uint64_t number, std::uint64_t membership) noexcept;
  /// The number of the first event that is still to be given.
  std::uint64_t next_number() const noexcept { return next_; }
  void drop() { held_ = {}; }

private:
  const presence_window& kept_;
  const std::uint64_t own_;
  std::uint64_t next_;  ///< number of the next event
  std::uint64_t before_ = 0;
  std::size_t index_ = 0;
  bool more_ = false;  ///< there may be others after those held
  std::vector<presence_change> held_;
};

}  // namespace switchboard::rooms
