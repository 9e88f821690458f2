#include <switchboard/rooms/sqlite/schema.hpp>

namespace switchboard::rooms::sqlite {
namespace {

constexpr const char* steps_so_far[] = {
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
       ) WITHOUT ROWID, STRICT;
       CREATE TABLE ids (
         room INTEGER NOT NULL,
         sequence INTEGER NOT NULL,
         id BLOB NOT NULL,
         PRIMARY KEY (room, sequence)
       ) WITHOUT ROWID, STRICT;)",
};

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

rpc::status newer(std::size_t version, std::size_t known) {
  return {rpc::code::unavailable, "it is of version " + std::to_string(version) +
                                      ", and this program knows none above " + std::to_string(known) +
                                      ": a newer program has written it"};
}

rpc::status foreign() {
  return {rpc::code::unavailable, "it is a database of another application"};
}

}  // namespace

std::span<const char* const> schema_steps() noexcept {
  return steps_so_far;
}

rpc::status refuse_foreign(database& rooms) {
  const auto found = read_stamp(rooms);
  if (!found) return found.status();
  return found->is_fresh() || found->application == application_id ? rpc::status{} : foreign();
}

rpc::status migrate(database& rooms, std::span<const char* const> steps) {
  const auto found = read_stamp(rooms);
  if (!found) return found.status();
  if (!found->is_fresh() && found->application != application_id) return foreign();
  if (found->version > steps.size()) return newer(found->version, steps.size());
  if (found->version == steps.size()) return {};
  std::string script = "BEGIN IMMEDIATE;";
  for (auto version = found->version; version < steps.size(); ++version) script += steps[version];
  script += "PRAGMA application_id = " + std::to_string(application_id) +
            ";PRAGMA user_version = " + std::to_string(steps.size()) + ";COMMIT;";
  auto failure = rooms.execute(script);
  if (!failure.ok() && rooms.in_transaction()) (void)rooms.execute("ROLLBACK");
  return failure;
}

rpc::status recognise(database& rooms, std::span<const char* const> steps) {
  const auto found = read_stamp(rooms);
  if (!found) return found.status();
  if (found->application != application_id) return foreign();
  if (found->version > steps.size()) return newer(found->version, steps.size());
  if (found->version < steps.size())
    return {rpc::code::unavailable, "it is of version " + std::to_string(found->version) + ", from before version " +
                                        std::to_string(steps.size()) + ": start a broker on it once"};
  return {};
}

}  // namespace switchboard::rooms::sqlite
