#include "chat_service.hpp"
#include "room_files.hpp"

#include <algorithm>

#include <switchboard/logging/logging.hpp>
#include <switchboard/rooms/memory_log.hpp>
#include <switchboard/rooms/sqlite_store.hpp>
#include <switchboard/server/server.hpp>

namespace chat = switchboard::chat;

namespace {

/// What the command line says of where rooms are kept.
struct storage {
  std::string directory;   ///< empty: in memory
  std::string durability;  ///< empty: the safest there is
  switchboard::rooms::memory_limits memory;
  std::size_t history_bytes = std::size_t{512} << 20;
  std::size_t retained_messages = 0;
  std::size_t retained_bytes = 0;
  std::chrono::milliseconds retained_age{0};

  void add_to(switchboard::server_command_line& line) {
    line.add_text("--data", directory, "directory where rooms are kept; without it they end with the broker");
    line.add_text("--durability", durability,
                  "what a publish's reply promises: fsync (with --data, the default), written or memory");
    line.add_count("--retain-messages", retained_messages, "newest messages kept of a room in --data; 0: all");
    line.add_bytes("--retain-bytes", retained_bytes, "bytes of messages kept of a room in --data; 0: all");
    line.add_duration("--retain-age", retained_age, "how long messages are kept in --data; 0: for ever");
    line.add_count("--room-messages-max", memory.room_entries, "newest messages kept of a room in memory");
    line.add_bytes("--room-bytes-max", memory.room_bytes, "bytes of messages kept of a room in memory");
    line.add_bytes("--history-bytes-max", history_bytes,
                   "what all rooms take of memory, with ids and all else; at most half of --memory-max");
    line.add_count("--dedupe-window", memory.dedupe_window, "newest message ids known of a room");
    line.add_check([this]() -> std::string {
      if (durability.empty()) return {};
      if (durability == "memory") return directory.empty() ? "" : "--durability memory: then --data keeps nothing";
      if (durability != "fsync" && durability != "written")
        return "--durability: '" + durability + "' is not fsync, written or memory";
      return directory.empty() ? "--durability " + durability + " needs a --data directory" : "";
    });
  }

  /// Where rooms count what they take of memory: at most half of the server's is theirs.
  std::shared_ptr<switchboard::rooms::room_memory> memory_of(const switchboard::server& server) const {
    const auto& of_server = server.memory();
    return std::make_shared<switchboard::rooms::room_memory>(std::min(history_bytes, of_server->total() / 2),
                                                             of_server);
  }

  /// The journal counts in the server's figures, and on its ledger.
  switchboard::rpc::result<std::shared_ptr<switchboard::rooms::log_store>> open(
      const switchboard::server& server, std::shared_ptr<switchboard::rooms::room_memory> within) const {
    if (directory.empty()) {
      switchboard::logging::info("rooms are in memory and end with this broker; --data DIR keeps them");
      return std::shared_ptr<switchboard::rooms::log_store>(
          std::make_shared<switchboard::rooms::memory_store>(chat::entry_encoder(), memory, std::move(within)));
    }
    switchboard::rooms::sqlite_options options;
    options.directory = directory;
    if (durability == "written") options.safety = switchboard::rooms::durability::written;
    options.keep = {retained_messages, retained_bytes, retained_age};
    options.dedupe_window = memory.dedupe_window;
    options.figures = server.metrics();
    options.memory = server.memory();
    options.within = std::move(within);
    auto store = switchboard::rooms::sqlite_store::open(chat::entry_encoder(), options);
    if (!store) return store.status();
    return std::shared_ptr<switchboard::rooms::log_store>(std::move(*store));
  }
};

void add_limits(switchboard::server_command_line& line, chat::chat_limits& limits) {
  line.add_count("--rooms-max", limits.rooms_max, "rooms there may be");
  line.add_count("--room-creations-burst", limits.room_creations.burst, "rooms that a connection may make at once");
  line.add_count("--room-creations-per-minute", limits.room_creations.per_minute,
                 "rooms that a connection may make a minute after that; 0: no limit");
  line.add_count("--room-creations-per-address-burst", limits.room_creations_per_address.burst,
                 "rooms that all connections of a TCP address may make at once");
  line.add_count("--room-creations-per-address-per-minute", limits.room_creations_per_address.per_minute,
                 "rooms that they may make a minute after that; 0: no limit");
  line.add_duration("--room-idle-timeout", limits.room_idle_timeout,
                    "how long a room without streams keeps its actor; then one that never held a message is "
                    "forgotten. 0: for ever");
}

}  // namespace

int main(int argc, char** argv) {
  if (const auto status = chat::run_room_file_command(argc, argv)) return *status;
  switchboard::server server{"chat-broker", "Chat rooms with history, for protobuf clients.", "127.0.0.1:7777"};
  storage rooms;
  chat::chat_limits limits;
  rooms.add_to(server.command_line());
  add_limits(server.command_line(), limits);
  server.add([&]() -> switchboard::rpc::result<switchboard::rpc::service_definition> {
    limits.memory = server.memory();
    limits.room.memory = rooms.memory_of(server);
    auto store = rooms.open(server, limits.room.memory);
    if (!store) return store.status();
    return chat::definition(std::move(*store), limits, server.metrics());
  });
  return server.run(argc, argv);
}
