#pragma once

/// The streams of a room: one cursor for each call that has joined it.
/// Threads    the room's.
/// Owns       a share of each cursor; the connection has the other.

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
    return reader;
  }
  /// Notifies every stream that the feed has something new.
  void notify(caf::execution_unit* context) {
    for (auto& each : all_) each.reader->notify(context);
  }
  /// Ends every stream.
  void end(const rpc::status& why, caf::execution_unit* context) {
    places_.clear();
    for (auto& each : std::exchange(all_, {})) each.reader->end(why, context);
  }

private:
  struct subscription {
    call_key call;
    std::shared_ptr<cursor> reader;
  };
  // Side by side, because each turn of the room goes through all of them.
  std::vector<subscription> all_;
  std::unordered_map<call_key, std::size_t, call_key_hash> places_;
};

}  // namespace switchboard::rooms
