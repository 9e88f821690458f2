#include "room_table.hpp"

#include <algorithm>
#include <utility>

namespace switchboard::chat {

const rooms::room_handle* room_table::find(const std::string& name) const {
  const auto found = rooms_.find(name);
  return found == rooms_.end() ? nullptr : &found->second.room;
}

const caf::actor* room_table::use(const std::string& name) {
  const auto found = rooms_.find(name);
  if (found == rooms_.end()) return nullptr;
  auto& used = found->second;
  ++used.uses;
  used.unused_since.reset();
  return &used.room.actor;
}

const std::string* room_table::name_of(const caf::actor_addr& actor) const {
  const auto found =
      std::find_if(rooms_.begin(), rooms_.end(), [&](const auto& each) { return each.second.room.actor == actor; });
  return found == rooms_.end() ? nullptr : &found->first;
}

void room_table::put(const std::string& name, rooms::room_handle room) {
  const std::lock_guard lock{mutex_};
  const auto [place, is_new] = rooms_.insert_or_assign(name, entry{std::move(room)});
  if (is_new) turns_.push_back(&*place);
}

std::vector<room_table::named_actor> room_table::take_unused(std::size_t most, time_point now, time_point then) {
  std::vector<named_actor> taken;
  for (auto left = std::min(most, turns_.size()); left > 0; --left) {
    auto* const next = turns_.front();
    turns_.pop_front();
    auto& [name, looked_at] = *next;
    const bool unused = looked_at.room.occupancy->unused_after.load(std::memory_order_acquire) == looked_at.uses;
    looked_at.unused_since = unused ? looked_at.unused_since.value_or(now) : std::optional<time_point>{};
    if (!unused || *looked_at.unused_since > then) {
      turns_.push_back(next);
      continue;
    }
    taken.push_back({name, std::move(looked_at.room.actor)});
    const std::lock_guard lock{mutex_};
    rooms_.erase(taken.back().name);
  }
  return taken;
}

std::vector<caf::actor> room_table::take_some(std::size_t most) {
  std::vector<caf::actor> taken;
  const std::lock_guard lock{mutex_};
  for (auto left = std::min(most, turns_.size()); left > 0; --left) {
    auto* const next = turns_.front();
    turns_.pop_front();
    taken.push_back(std::move(next->second.room.actor));
    rooms_.erase(next->first);
  }
  return taken;
}

std::uint32_t room_table::members_of(const std::string& name) const {
  const std::lock_guard lock{mutex_};
  const auto* const room = find(name);
  return room ? room->occupancy->members.load(std::memory_order_acquire) : 0;
}

}  // namespace switchboard::chat
