#pragma once

/// Whether a room's membership changes so fast that a member who leaves and comes back at once need not be shown.
///
/// Why        every change goes to every member: a client that joins and leaves without end would cost a room of two hundred
///            members hundreds of times what it sends. A pair may be left out, and need not be: it is looked for within one chunk
///            of the tail, where a reader that is to be given both has both at hand. The few that lie in two chunks are shown.
/// Rule       above `changes_per_second` changes in a second, a left that a joined of the same nickname follows, with no message
///            between, is marked in the tail; a reader that is to be given both drops them as a pair (cursor.hpp). Nothing
///            else is dropped, and nothing reordered.
/// Threads    the room's.
/// Owns       the nicknames that left last, as many as a chunk of the tail has entries.
/// Errors     none.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <switchboard/rooms/tail.hpp>

namespace switchboard::rooms {

class presence_storm {
public:
  using time_point = std::chrono::steady_clock::time_point;

  static constexpr std::size_t changes_per_second = 1'000;

  /// A change happens.
  void count(time_point now) noexcept {
    if (now >= second_ends_) {
      changes_before_ = now - second_ends_ < second ? changes_ : 0;
      changes_ = 0;
      second_ends_ = now + second;
    }
    ++changes_;
  }
  /// Whether there were too many in the second that passes, or in the one before.
  bool is_on() const noexcept { return changes_ > changes_per_second || changes_before_ > changes_per_second; }

  /// @param place  the left's position in the tail.
  void left(std::string nickname, std::uint64_t place) {
    if (lefts_.size() == tail::chunk_entries) lefts_.erase(lefts_.begin());
    lefts_.emplace_back(std::move(nickname), place);
  }
  /// Where the left is that a joined of this nickname follows, and forgets it; nothing where there is none.
  std::optional<std::uint64_t> take_left(const std::string& nickname) {
    for (auto at = lefts_.rbegin(); at != lefts_.rend(); ++at) {
      if (at->first != nickname) continue;
      const auto place = at->second;
      lefts_.erase(std::next(at).base());
      return place;
    }
    return std::nullopt;
  }
  void message() noexcept { lefts_.clear(); }

private:
  static constexpr std::chrono::seconds second{1};

  time_point second_ends_{};
  std::size_t changes_ = 0;
  std::size_t changes_before_ = 0;
  std::vector<std::pair<std::string, std::uint64_t>> lefts_;  ///< in order
};

}  // namespace switchboard::rooms
