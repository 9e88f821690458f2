#include "room_reader.hpp"

#include "measure/interruption.hpp"

#include <chrono>
#include <stdexcept>

#include <switchboard/chat/v1/chat.client.hpp>

namespace switchboard::bench {
namespace {

/// For what takes microseconds.
constexpr std::chrono::seconds patience{30};
/// Messages on their way to the reader, at most.
constexpr std::uint32_t window = 4096;

}  // namespace

void read_room(const net::endpoint& server, const std::string& room, std::uint32_t newest,
               const std::function<void(const chat::v1::ChatMessage&)>& each) {
  auto connection = client::channel::connect(server, client::within(patience));
  if (!connection) throw std::runtime_error("no connection: " + connection.status().message);
  chat::v1::JoinRequest join;
  join.set_room(room);
  join.set_history_limit(newest);
  chat::v1::Chat::stub chat{*connection};
  auto events = chat.join(join, {.window = window});
  chat::v1::RoomEvent event;
  for (;;) {
    check_interruption();
    if (!events.next(event, client::within(patience)).has_message())
      throw std::runtime_error("the room's stream ends before its history does: " + events.status().message);
    if (event.has_caught_up()) return;
    if (event.has_message()) each(event.message());
  }
}

}  // namespace switchboard::bench
