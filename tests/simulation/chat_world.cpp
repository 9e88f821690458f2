#include "chat_world.hpp"

#include "chat_service.hpp"

#include <switchboard/rooms/memory_log.hpp>

namespace switchboard::simulation {
namespace {

/// The time of day is in messages, and so in their size: a run must not depend on it.
std::chrono::system_clock::time_point standing_still() {
  return std::chrono::system_clock::time_point{std::chrono::hours{24}};
}

/// Short enough for rooms to be released while clients are away, and to come back with them.
chat::chat_limits limits() {
  chat::chat_limits bounds;
  bounds.room_idle_timeout = std::chrono::milliseconds{100};
  return bounds;
}

}  // namespace

chat_world::chat_world(std::uint64_t seed, const chat_plan& plan)
    : world_(seed,
             chat::definition(std::make_shared<rooms::memory_store>(chat::entry_encoder(), rooms::memory_limits{}),
                              limits(), nullptr, standing_still),
             plan.rooms) {
  world_.change(plan.weather);
  for (std::size_t each = 0; each < plan.clients; ++each) {
    const auto room = each % plan.rooms;
    const auto people = plan.clients / plan.rooms + (room < plan.clients % plan.rooms ? 1 : 0);
    const chat_role role{"client-" + std::to_string(each), "room-" + std::to_string(room), plan.messages,
                         plan.messages * people};
    counts_[role.room][role.name] = role.messages;
    world_.add(std::make_unique<chat_client>(world_.world(), world_.address(), role, world_.dice().roll(), ledger_));
  }
}

std::string chat_world::run() {
  return world_.run([this] { return ledger_.faults().empty() ? std::string() : ledger_.faults().front(); },
                    [this] {
                      for (const auto& [room, of_room] : counts_) ledger_.close(room, of_room);
                    });
}

}  // namespace switchboard::simulation
