#include <algorithm>
#include <cstdlib>
#include <utility>

#include <switchboard/logging/logging.hpp>
#include <switchboard/rooms/sqlite/checkpointer.hpp>
#include <switchboard/rooms/sqlite/data_directory.hpp>
#include <switchboard/rooms/sqlite/history.hpp>
#include <switchboard/rooms/sqlite/journal.hpp>
#include <switchboard/rooms/sqlite/schema.hpp>
#include <switchboard/rooms/sqlite/stored_room.hpp>
#include <switchboard/rooms/sqlite_store.hpp>

namespace switchboard::rooms {
namespace {

using sqlite::database;
using sqlite::in_file;
using sqlite::room_row;

void warn_of_exposed(const sqlite::data_directory& claimed) {
  for (const auto& each : claimed.exposed())
    logging::warn("{} is not its owner's alone: take the rights of others away (chmod go= {})", each.string(),
                  each.string());
}

/// What is wrong with the database as a whole; empty where nothing is. The messages are looked at as they are read, or by a
/// check of their own (sqlite_check.hpp), since that takes as long as there are many.
rpc::result<std::string> find_damage(database& rooms) {
  for (const auto* table : {"rooms", "ids"}) {
    auto said = rooms.ask("PRAGMA integrity_check('" + std::string(table) + "')");
    if (!said) return said.status();
    if (*said != "ok") return *said;
  }
  // Seeks from one room's messages to the next room's.
  return rooms.ask(
      "WITH RECURSIVE kept(room) AS (SELECT min(room) FROM messages UNION ALL "
      "SELECT (SELECT min(room) FROM messages WHERE room > kept.room) FROM kept WHERE kept.room IS NOT NULL) "
      "SELECT 'it has messages of a room that is not there' FROM kept "
      "WHERE room IS NOT NULL AND room NOT IN (SELECT id FROM rooms) LIMIT 1");
}

/// Earlier versions stored rooms before their first message.
constexpr const char* forget_empty_rooms =
    "DELETE FROM rooms WHERE first = 1 AND last = 0 AND NOT EXISTS (SELECT 1 FROM messages WHERE room = rooms.id)";

struct looked_at_room {
  sqlite::stored_room stored;
  std::string damage;  ///< in words; empty where its messages begin and end where it says
};

/// Where a room says that its messages are, against where they are.
std::string damage_of(const sqlite::stored_room& stored, std::uint64_t oldest, std::uint64_t newest) {
  if (!stored.is_whole()) return sqlite::stored_room::damage;
  const auto& row = stored.row;
  const auto from_to = [](std::uint64_t first, std::uint64_t last) {
    return first > last ? "none" : std::to_string(first) + " to " + std::to_string(last);
  };
  const bool is_none = row.first == row.last + 1 && newest == 0;
  if (is_none || (row.first != 0 && row.first == oldest && row.last == newest)) return {};
  return "it says that its messages are " + from_to(row.first, row.last) + ", and there are " +
         from_to(std::max<std::uint64_t>(oldest, 1), newest);
}

rpc::result<std::vector<looked_at_room>> read_rooms(const database& from) {
  std::vector<looked_at_room> all;
  sqlite::statement every(from, "SELECT " + sqlite::stored_room::columns(sqlite::newest_version) +
                                    ", (SELECT min(sequence) FROM messages WHERE room = rooms.id), "
                                    "(SELECT max(sequence) FROM messages WHERE room = rooms.id) FROM rooms");
  if (!every) return from.refusal();
  auto found = every.query();
  while (found.next()) {
    sqlite::stored_room stored{found};
    constexpr int next = sqlite::stored_room::column_count;
    auto damage = damage_of(stored, found.integer(next), found.integer(next + 1));
    all.push_back({std::move(stored), std::move(damage)});
  }
  if (!found.status().ok()) return found.status();
  return all;
}

}  // namespace

rpc::result<std::shared_ptr<sqlite_store>> sqlite_store::open(encoder encode, const sqlite_options& options) {
  auto claimed = sqlite::data_directory::claim(options.directory);
  if (!claimed) return claimed.status();
  warn_of_exposed(*claimed);
  const auto path = sqlite::database_path(options.directory);
  if (auto lost = sqlite::refuse_lost_database(path); !lost.ok()) return in_file(path, std::move(lost));
  // SQLite gives the files beside its database the rights that this one has.
  if (auto failure = claimed->make_file(sqlite::database_name); !failure.ok()) return failure;
  auto rooms = sqlite::open_for_writing(path, options.safety);
  if (!rooms) return in_file(path, rooms.status());
  if (auto failure = sqlite::migrate(*rooms); !failure.ok()) return in_file(path, std::move(failure));
  if (auto failure = sqlite::recognise(*rooms); !failure.ok()) return in_file(path, std::move(failure));
  claimed->sign();
  // The files are new, perhaps; their names must last as long as what is in them.
  if (auto failure = claimed->sync(); !failure.ok()) return failure;
  const auto damage = find_damage(*rooms);
  if (!damage) return in_file(path, damage.status());
  if (!damage->empty())
    return rpc::status{rpc::code::data_loss, path + " is damaged: " + *damage +
                                                 ". It is left as it is: put back a copy, or export what can be read"};
  if (auto failure = rooms->execute(forget_empty_rooms); !failure.ok()) return in_file(path, std::move(failure));
  const auto stored = read_rooms(*rooms);
  if (!stored) return in_file(path, stored.status());
  auto for_checkpoints = sqlite::open_for_writing(path, options.safety);
  if (!for_checkpoints) return in_file(path, for_checkpoints.status());
  auto for_reading = sqlite::open_for_reading(path);
  if (!for_reading) return in_file(path, for_reading.status());

  const auto believed = rooms->ask("SELECT at FROM clock");
  if (!believed) return in_file(path, believed.status());
  auto checkpoints =
      std::make_unique<sqlite::checkpointer>(path, std::move(*for_checkpoints), options.safety, options.figures);
  auto writer = std::make_shared<sqlite::journal>(std::move(*rooms), options,
                                                  std::chrono::milliseconds{std::atoll(believed->c_str())});
  auto reader = std::make_shared<sqlite::history>(path, std::move(*for_reading));
  std::shared_ptr<sqlite_store> store{new sqlite_store(std::move(encode), std::move(*claimed), std::move(writer),
                                                       std::move(checkpoints), std::move(reader))};
  for (const auto& [room, damage_of_room] : *stored) {
    auto known =
        std::make_shared<sqlite::room_log>(room.name, room.row, store->encode_, store->writer_, store->reader_);
    if (!damage_of_room.empty()) known->found_damaged(damage_of_room);
    store->writer_->keep(known);
    store->logs_.emplace(room.name, std::move(known));
  }
  return store;
}

rpc::status sqlite_store::remove(const std::filesystem::path& directory, const std::string& room) {
  auto claimed = sqlite::data_directory::claim(directory);
  if (!claimed) return claimed.status();
  const auto path = sqlite::database_path(directory);
  auto rooms = sqlite::open_for_writing(path, durability::fsynced);
  if (!rooms) return in_file(path, rooms.status());
  if (auto failure = sqlite::migrate(*rooms); !failure.ok()) return in_file(path, std::move(failure));
  if (auto failure = sqlite::recognise(*rooms); !failure.ok()) return in_file(path, std::move(failure));
  claimed->sign();
  if (auto failure = rooms->execute("PRAGMA secure_delete = ON; BEGIN IMMEDIATE"); !failure.ok())
    return in_file(path, std::move(failure));
  bool found = false;
  for (const auto* each : {"DELETE FROM messages WHERE room IN (SELECT id FROM rooms WHERE name = ?)",
                           "DELETE FROM ids WHERE room IN (SELECT id FROM rooms WHERE name = ?)",
                           "DELETE FROM rooms WHERE name = ? RETURNING id"}) {
    sqlite::statement deletion{*rooms, each};
    if (!deletion) return in_file(path, rooms->refusal());
    auto rows = deletion.query(std::string_view(room));
    while (rows.next()) found = true;
    if (!rows.status().ok()) return in_file(path, rows.status());
  }
  if (auto failure = rooms->execute("COMMIT"); !failure.ok()) return in_file(path, std::move(failure));
  return found ? rpc::status{}
               : rpc::status{rpc::code::not_found, "there is no room " + room + " in " + directory.string()};
}

sqlite_store::sqlite_store(encoder encode, sqlite::data_directory claimed, std::shared_ptr<sqlite::journal> writer,
                           std::unique_ptr<sqlite::checkpointer> checkpoints, std::shared_ptr<sqlite::history> reader)
    : encode_(std::move(encode)),
      claimed_(std::make_unique<const sqlite::data_directory>(std::move(claimed))),
      writer_(std::move(writer)),
      checkpoints_(std::move(checkpoints)),
      reader_(std::move(reader)),
      writing_([writer = writer_.get(), checkpoints = checkpoints_.get()] { writer->run(*checkpoints); }),
      checkpointing_([checkpoints = checkpoints_.get()] { checkpoints->run(); }),
      reading_([reader = reader_.get()] { reader->run(); }) {}

sqlite_store::~sqlite_store() {
  // The reader first: the last connection that is closed deletes the log, and must be able to write. The checkpointer last:
  // the writer may wait for it.
  reader_->end();
  reading_.join();
  writer_->end();
  writing_.join();
  checkpoints_->end();
  checkpointing_.join();
}

std::shared_ptr<log> sqlite_store::open(const std::string& room) {
  const std::lock_guard lock{mutex_};
  auto& found = logs_[room];
  if (!found)
    found = std::make_shared<sqlite::room_log>(room, room_row{.log_id = new_log_id()}, encode_, writer_, reader_);
  return found;
}

void sqlite_store::close(const std::string& room) {
  const std::lock_guard lock{mutex_};
  const auto found = logs_.find(room);
  if (found == logs_.end()) return;
  writer_->rest(room);
  if (found->second->extent().last == 0 && found->second->condition().ok()) logs_.erase(found);
}

std::shared_ptr<log> sqlite_store::find(const std::string& room) const {
  const std::lock_guard lock{mutex_};
  const auto found = logs_.find(room);
  return found == logs_.end() ? nullptr : found->second;
}

std::vector<std::string> sqlite_store::rooms(const std::string& after, std::size_t limit) const {
  const std::lock_guard lock{mutex_};
  std::vector<std::string> names;
  for (auto at = logs_.upper_bound(after); at != logs_.end() && names.size() < limit; ++at) names.push_back(at->first);
  return names;
}

std::size_t sqlite_store::size() const {
  const std::lock_guard lock{mutex_};
  return logs_.size();
}

}  // namespace switchboard::rooms
