#pragma once

/// The rooms that have an actor, by name, and how they are used.
///
/// Why        the sender of all joins and publishes of a room knows whether one is on its way, and so when the room may end.
/// Threads    one writes: the chat service, which also looks rooms up without a lock, for each publish; after it, the actor that
///            ends its rooms. Others read how many members a room has.
/// Owns       the rooms' handles, until they are taken out.

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <switchboard/pump/notification_pump.hpp>
#include <switchboard/rooms/room.hpp>

namespace switchboard::chat {

class room_table {
public:
  using time_point = notification_pump::clock::time_point;
  struct named_actor {
    std::string name;
    caf::actor actor;
  };

  // The writer.

  const rooms::room_handle* find(const std::string& name) const;
  /// The room's actor, which is about to be sent a join or a publish; null where there is none.
  const caf::actor* use(const std::string& name);
  /// The name of the room whose actor that is; null where it is none's.
  const std::string* name_of(const caf::actor_addr& actor) const;
  /// Adds the room, or replaces the one of that name.
  void put(const std::string& name, rooms::room_handle room);
  /// Looks at the next `most` rooms, each in its turn, and takes out those that have been seen unused since `then`, or for
  /// longer.
  std::vector<named_actor> take_unused(std::size_t most, time_point now, time_point then);
  /// Takes out the next `most` rooms, or all that are left.
  std::vector<caf::actor> take_some(std::size_t most);
  std::size_t size() const noexcept { return rooms_.size(); }

  // Any thread.

  /// 0 where there is no such room.
  std::uint32_t members_of(const std::string& name) const;

private:
  struct entry {
    rooms::room_handle room;
    std::uint64_t uses = 0;                    ///< joins and publishes sent to it
    std::optional<time_point> unused_since{};  ///< as far as it was looked at
  };
  using by_name = std::unordered_map<std::string, entry>;

  mutable std::mutex mutex_;  ///< held to write, and to read on another thread than the writer's
  by_name rooms_;
  std::deque<by_name::value_type*> turns_;  ///< each room once
};

}  // namespace switchboard::chat
