#pragma once

/// The streams of a room: one cursor for each call that has joined it.
///
/// Notified   in rounds, so many of the streams a turn, from the last to the first: one that leaves has the last take its place,
///            which was notified before it. What is new during a round makes another.
/// Threads    the room's.
/// Owns       a share of each cursor; the connection has the other.

#include <algorithm>
#include <cstddef>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include <switchboard/rooms/call_key.hpp>
#include <switchboard/rooms/cursor.hpp>

namespace switchboard::rooms {

class subscribers {
public:
  /// How many are notified in one turn: a fraction of a millisecond's work.
  static constexpr std::size_t notified_at_once = 1024;

  bool empty() const noexcept { return all_.empty(); }

  void add(call_key call, std::shared_ptr<cursor> reader) {
    places_[call] = all_.size();
    all_.push_back({call, std::move(reader)});
  }
  /// Takes out the stream of `call`; null where it has none.
  std::shared_ptr<cursor> remove(call_key call) {
    const auto found = places_.find(call);
    if (found == places_.end()) return nullptr;
    const auto place = found->second;
    places_.erase(found);
    auto reader = std::move(all_[place].reader);
    if (place + 1 != all_.size()) {
      all_[place] = std::move(all_.back());
      places_[all_[place].call] = place;
    }
    all_.pop_back();
    left_ = std::min(left_, all_.size());
    return reader;
  }
  /// The feed has something new for every stream. Whether that begins a round: else the one that has begun goes on.
  bool begin_round() noexcept {
    if (left_ == 0) {
      left_ = all_.size();
      return true;
    }
    has_more_news_ = true;
    return false;
  }
  /// Notifies the next streams of the round. Whether there are more to be notified.
  bool notify(caf::execution_unit* context) {
    for (auto now = std::min(left_, notified_at_once); now > 0; --now) all_[--left_].reader->notify(context);
    if (left_ == 0 && std::exchange(has_more_news_, false)) left_ = all_.size();
    return left_ > 0;
  }
  /// Ends every stream.
  void end(const rpc::status& why, caf::execution_unit* context) {
    places_.clear();
    left_ = 0;
    for (auto& each : std::exchange(all_, {})) each.reader->end(why, context);
  }

private:
  struct subscription {
    call_key call;
    std::shared_ptr<cursor> reader;
  };
  // Side by side, because each round goes through all of them.
  std::vector<subscription> all_;
  std::size_t left_ = 0;  ///< of the round: those before this place
  bool has_more_news_ = false;
  std::unordered_map<call_key, std::size_t, call_key_hash> places_;
};

}  // namespace switchboard::rooms
