#include "chat_service.hpp"

#include <switchboard/actors/memory_log.hpp>
#include <switchboard/actors/server.hpp>

namespace chat = switchboard::chat;

int main(int argc, char** argv) {
  switchboard::server server{"chat-broker", "Chat rooms with history, for protobuf clients.", "127.0.0.1:7777"};
  switchboard::memory_limits memory;
  chat::chat_limits limits;
  auto& line = server.command_line();
  line.add_count("--rooms-max", limits.rooms_max, "rooms there may be");
  line.add_count("--room-messages-max", memory.room_entries, "newest messages kept of a room");
  line.add_bytes("--room-bytes-max", memory.room_bytes, "bytes of messages kept of a room");
  line.add_bytes("--history-bytes-max", memory.total_bytes, "bytes of messages kept of all rooms");
  line.add_count("--dedupe-window", memory.dedupe_window, "newest message ids known of a room");
  server.add([&] {
    return chat::definition(std::make_shared<switchboard::memory_home>(chat::entry_encoder(), memory), limits);
  });
  return server.run(argc, argv);
}
