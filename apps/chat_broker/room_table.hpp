#pragma once

/// The rooms that have an actor, by name.
///
/// Threads    one writes: the chat service, which also looks rooms up without a lock, for each publish. Others read how
///            many members a room has.
/// Owns       the rooms' handles, until they are cleared.

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

#include <switchboard/rooms/room.hpp>

namespace switchboard::chat {

class room_table {
public:
  using by_name = std::unordered_map<std::string, rooms::room_handle>;

  // The writer.

  const by_name& all() const noexcept { return rooms_; }
  /// Null where there is none.
  const rooms::room_handle* find(const std::string& name) const {
    const auto found = rooms_.find(name);
    return found == rooms_.end() ? nullptr : &found->second;
  }
  /// Adds the room, or replaces the one of that name.
  const rooms::room_handle& put(const std::string& name, rooms::room_handle room) {
    const std::lock_guard lock{mutex_};
    return rooms_.insert_or_assign(name, std::move(room)).first->second;
  }
  void clear() {
    const std::lock_guard lock{mutex_};
    rooms_.clear();
  }

  // Any thread.

  /// 0 where there is no such room.
  std::uint32_t members_of(const std::string& name) const {
    const std::lock_guard lock{mutex_};
    const auto* const room = find(name);
    return room ? room->members->load(std::memory_order_acquire) : 0;
  }

private:
  mutable std::mutex mutex_;  ///< held to write, and to read on another thread than the writer's
  by_name rooms_;
};

}  // namespace switchboard::chat
