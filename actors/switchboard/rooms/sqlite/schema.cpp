#include <iterator>
#include <string>

#include <switchboard/rooms/sqlite/schema.hpp>

namespace switchboard::rooms::sqlite {
namespace {

/// Step N makes version N out of N - 1; version 0 is an empty file.
constexpr const char* steps[] = {
    R"(CREATE TABLE rooms (
         id INTEGER PRIMARY KEY,
         name BLOB NOT NULL UNIQUE,
         log_id BLOB NOT NULL,
         first INTEGER NOT NULL,
         last INTEGER NOT NULL,
         bytes INTEGER NOT NULL
       ) STRICT;
       CREATE TABLE messages (
         room INTEGER NOT NULL,
         sequence INTEGER NOT NULL,
         at INTEGER NOT NULL,
         body BLOB NOT NULL,
         PRIMARY KEY (room, sequence)
       ) STRICT;
       CREATE TABLE ids (
         room INTEGER NOT NULL,
         sequence INTEGER NOT NULL,
         id BLOB NOT NULL,
         PRIMARY KEY (room, sequence)
       ) WITHOUT ROWID, STRICT;)",
    R"(ALTER TABLE messages ADD COLUMN checksum INTEGER;
       CREATE TABLE clock (at INTEGER NOT NULL) STRICT;
       INSERT INTO clock SELECT ifnull(max(at), 0) FROM messages, rooms WHERE room = id AND sequence = last;)",
    "ALTER TABLE rooms ADD COLUMN checksum INTEGER;",
};
static_assert(std::size(steps) == newest_version);

struct stamp {
  int application = 0;
  std::size_t version = 0;
  bool empty = false;

  bool is_fresh() const noexcept { return application == 0 && version == 0 && empty; }
};

rpc::result<stamp> read_stamp(database& rooms) {
  const auto application = rooms.ask("PRAGMA application_id");
  if (!application) return application.status();
  const auto version = rooms.ask("PRAGMA user_version");
  if (!version) return version.status();
  const auto tables = rooms.ask("SELECT count(*) FROM sqlite_schema");
  if (!tables) return tables.status();
  return stamp{std::stoi(*application), static_cast<std::size_t>(std::stoul(*version)), *tables == "0"};
}

rpc::status newer(std::size_t version) {
  return {rpc::code::unavailable, "it is of version " + std::to_string(version) +
                                      ", and this program knows none above " + std::to_string(newest_version) +
                                      ": a newer program has written it"};
}

rpc::status foreign() {
  return {rpc::code::unavailable, "it is a database of another application"};
}

}  // namespace

rpc::status refuse_foreign(database& rooms) {
  const auto found = read_stamp(rooms);
  if (!found) return found.status();
  return found->is_fresh() || found->application == application_id ? rpc::status{} : foreign();
}

// The places are those of the SQLite file format (sqlite.org/fileformat2.html), 1.3 and 1.6.
rpc::status refuse_foreign(std::string_view first_bytes) {
  if (first_bytes.empty()) return {};
  constexpr std::string_view magic{"SQLite format 3", 16};
  if (first_bytes.size() < header_bytes || !first_bytes.starts_with(magic))
    return {rpc::code::data_loss, "it is not a database"};
  const auto number_at = [&](std::size_t place, std::size_t size) {
    std::uint32_t number = 0;
    for (const auto each : first_bytes.substr(place, size)) number = number << 8 | static_cast<unsigned char>(each);
    return number;
  };
  const auto application = number_at(68, 4);
  const auto schema_entries = number_at(103, 2);
  const bool may_be_new = application == 0 && schema_entries == 0;
  return may_be_new || application == application_id ? rpc::status{} : foreign();
}

rpc::status migrate(database& rooms) {
  const auto found = read_stamp(rooms);
  if (!found) return found.status();
  if (!found->is_fresh() && found->application != application_id) return foreign();
  if (found->version > newest_version) return newer(found->version);
  if (found->version == newest_version) return {};
  if (auto lost = found->version == 0 ? rpc::status{} : find_tables(rooms, found->version); !lost.ok()) return lost;
  std::string script = "BEGIN IMMEDIATE;";
  for (auto version = found->version; version < newest_version; ++version) script += steps[version];
  script += "PRAGMA application_id = " + std::to_string(application_id) +
            ";PRAGMA user_version = " + std::to_string(newest_version) + ";COMMIT;";
  auto failure = rooms.execute(script);
  if (!failure.ok() && rooms.in_transaction()) (void)rooms.execute("ROLLBACK");
  return failure;
}

rpc::result<std::size_t> version_of(database& rooms) {
  const auto found = read_stamp(rooms);
  if (!found) return found.status();
  if (found->application != application_id) return foreign();
  if (found->version > newest_version) return newer(found->version);
  return found->version;
}

rpc::status find_tables(database& rooms, std::size_t version) {
  const auto found = rooms.ask(
      "EXPLAIN SELECT rooms.id, rooms.name, rooms.log_id, rooms.first, rooms.last, rooms.bytes, messages.room, "
      "messages.sequence, messages.at, messages.body, ids.room, ids.sequence, ids.id" +
      std::string(version < room_checksum_version ? "" : ", rooms.checksum") +
      (version < checksum_version ? " FROM rooms, messages, ids"
                                  : ", messages.checksum, clock.at FROM rooms, messages, ids, clock"));
  return found ? rpc::status{} : rpc::status{rpc::code::data_loss, "its tables are damaged: " + found.status().message};
}

rpc::status recognise(database& rooms) {
  const auto version = version_of(rooms);
  if (!version) return version.status();
  if (*version < newest_version)
    return {rpc::code::unavailable, "it is of version " + std::to_string(*version) + ", from before version " +
                                        std::to_string(newest_version) + ": start a broker on it once"};
  return find_tables(rooms, *version);
}

}  // namespace switchboard::rooms::sqlite
