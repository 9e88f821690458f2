#include <utility>

#include <switchboard/logging/logging.hpp>
#include <switchboard/rooms/sqlite/data_directory.hpp>
#include <switchboard/rooms/sqlite/history.hpp>
#include <switchboard/rooms/sqlite/journal.hpp>
#include <switchboard/rooms/sqlite/schema.hpp>
#include <switchboard/rooms/sqlite_store.hpp>

namespace switchboard::rooms {
namespace {

using sqlite::database;
using sqlite::room_row;

rpc::status in_file(const std::string& path, rpc::status why) {
  why.message = path + ": " + why.message;
  return why;
}

void warn_of_exposed(const sqlite::data_directory& claimed) {
  for (const auto& each : claimed.exposed())
    logging::warn("{} is not its owner's alone: take the rights of others away (chmod go= {})", each.string(),
                  each.string());
}

/// What is wrong with the small tables, which everything stands on; empty where nothing is. The messages are looked at by
/// a check of their own, since that takes as long as there are many.
rpc::result<std::string> damage_of(database& rooms) {
  for (const auto* table : {"rooms", "ids"}) {
    auto said = rooms.ask("PRAGMA quick_check('" + std::string(table) + "')");
    if (!said) return said.status();
    if (*said != "ok") return *said;
  }
  return rooms.ask(
      "SELECT 'room ' || CAST(name AS TEXT) || ' ends at ' || last || ', its messages do not' FROM rooms "
      "WHERE last >= first AND last IS NOT (SELECT max(sequence) FROM messages WHERE room = rooms.id) LIMIT 1");
}

/// Earlier versions stored rooms before their first message.
constexpr const char* forget_empty_rooms = "DELETE FROM rooms WHERE last = 0";

using stored_rooms = std::vector<std::pair<std::string, room_row>>;

rpc::result<stored_rooms> read_rooms(const database& from) {
  stored_rooms all;
  sqlite::statement every(from, "SELECT name, id, log_id, first, last, bytes FROM rooms");
  if (!every) return from.status();
  auto rows = every.query();
  while (rows.next())
    all.emplace_back(std::string(rows.bytes(0)), room_row{rows.integer(1), std::string(rows.bytes(2)), rows.integer(3),
                                                          rows.integer(4), rows.integer(5)});
  if (!rows.status().ok()) return rows.status();
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
  if (auto failure = claimed->make_file(std::filesystem::path{path}.filename()); !failure.ok()) return failure;
  auto rooms = sqlite::open_for_writing(path, options.safety);
  if (!rooms) return in_file(path, rooms.status());
  if (auto failure = sqlite::migrate(*rooms); !failure.ok()) return in_file(path, std::move(failure));
  claimed->sign();
  // The files are new, perhaps; their names must last as long as what is in them.
  if (auto failure = claimed->sync(); !failure.ok()) return failure;
  const auto damage = damage_of(*rooms);
  if (!damage) return in_file(path, damage.status());
  if (!damage->empty() && *damage != "ok")
    return rpc::status{rpc::code::data_loss, path + " is damaged: " + *damage +
                                                 ". It is left as it is: put back a copy, or export what can be read"};
  if (auto failure = rooms->execute(forget_empty_rooms); !failure.ok()) return in_file(path, std::move(failure));
  const auto stored = read_rooms(*rooms);
  if (!stored) return in_file(path, stored.status());
  auto for_reading = sqlite::open_for_reading(path);
  if (!for_reading) return in_file(path, for_reading.status());

  auto writer = std::make_shared<sqlite::journal>(std::move(*rooms), options);
  auto reader = std::make_shared<sqlite::history>(path, std::move(*for_reading));
  std::shared_ptr<sqlite_store> store{
      new sqlite_store(std::move(encode), std::move(*claimed), std::move(writer), std::move(reader))};
  for (const auto& [name, row] : *stored) {
    auto known = std::make_shared<sqlite::room_log>(name, row, store->encode_, store->writer_, store->reader_);
    store->writer_->keep(known);
    store->logs_.emplace(name, std::move(known));
  }
  return store;
}

rpc::result<std::vector<std::string>> sqlite_store::check(const std::filesystem::path& directory) {
  auto claimed = sqlite::data_directory::claim(directory);
  if (!claimed) return claimed.status();
  const auto path = sqlite::database_path(directory);
  if (auto lost = sqlite::refuse_lost_database(path); !lost.ok()) return in_file(path, std::move(lost));
  auto rooms = database::open(path, sqlite::access::read_write);
  if (!rooms) return in_file(path, rooms.status());
  if (auto failure = sqlite::recognise(*rooms); !failure.ok()) return in_file(path, std::move(failure));
  claimed->sign();
  std::vector<std::string> faults;
  const auto whole = rooms->ask("PRAGMA integrity_check(1)");
  if (!whole) return in_file(path, whole.status());
  if (*whole != "ok") faults.push_back(*whole);
  sqlite::statement looks[] = {
      {*rooms,
       "SELECT name || ': keeps ' || first || ' to ' || last || ', but has ' || count(sequence) || ' messages, ' || "
       "ifnull(min(sequence), 0) || ' to ' || ifnull(max(sequence), 0) FROM rooms LEFT JOIN messages ON room = id "
       "GROUP BY id HAVING count(sequence) <> last + 1 - first OR "
       "(last >= first AND (min(sequence) <> first OR max(sequence) <> last))"},
      {*rooms,
       "SELECT name || ': an id of message ' || ids.sequence || ', beyond the last' FROM rooms JOIN ids ON "
       "ids.room = rooms.id WHERE ids.sequence > last"},
      {*rooms,
       "SELECT name || ': one id for two messages' FROM rooms JOIN ids ON ids.room = rooms.id "
       "GROUP BY rooms.id, ids.id HAVING count(*) > 1"},
      {*rooms,
       "SELECT 'messages of a room that is not there: ' || room FROM messages WHERE room NOT IN "
       "(SELECT id FROM rooms) GROUP BY room"},
  };
  for (auto& look : looks) {
    if (!look) return in_file(path, rooms->status());
    auto found = look.query();
    while (found.next()) faults.emplace_back(found.bytes(0));
    if (!found.status().ok()) faults.push_back(found.status().message);
  }
  return faults;
}

rpc::status sqlite_store::remove(const std::filesystem::path& directory, const std::string& room) {
  auto claimed = sqlite::data_directory::claim(directory);
  if (!claimed) return claimed.status();
  const auto path = sqlite::database_path(directory);
  auto rooms = sqlite::open_for_writing(path, durability::fsynced);
  if (!rooms) return in_file(path, rooms.status());
  if (auto failure = sqlite::recognise(*rooms); !failure.ok()) return in_file(path, std::move(failure));
  claimed->sign();
  if (auto failure = rooms->execute("PRAGMA secure_delete = ON; BEGIN IMMEDIATE"); !failure.ok())
    return in_file(path, std::move(failure));
  bool found = false;
  for (const auto* each : {"DELETE FROM messages WHERE room IN (SELECT id FROM rooms WHERE name = ?)",
                           "DELETE FROM ids WHERE room IN (SELECT id FROM rooms WHERE name = ?)",
                           "DELETE FROM rooms WHERE name = ? RETURNING id"}) {
    sqlite::statement deletion{*rooms, each};
    if (!deletion) return in_file(path, rooms->status());
    auto rows = deletion.query(std::string_view(room));
    while (rows.next()) found = true;
    if (!rows.status().ok()) return in_file(path, rows.status());
  }
  if (auto failure = rooms->execute("COMMIT"); !failure.ok()) return in_file(path, std::move(failure));
  return found ? rpc::status{}
               : rpc::status{rpc::code::not_found, "there is no room " + room + " in " + directory.string()};
}

sqlite_store::sqlite_store(encoder encode, sqlite::data_directory claimed, std::shared_ptr<sqlite::journal> writer,
                           std::shared_ptr<sqlite::history> reader)
    : encode_(std::move(encode)),
      claimed_(std::make_unique<const sqlite::data_directory>(std::move(claimed))),
      writer_(std::move(writer)),
      reader_(std::move(reader)),
      writing_([writer = writer_.get()] { writer->run(); }),
      reading_([reader = reader_.get()] { reader->run(); }) {}

sqlite_store::~sqlite_store() {
  // The reader first: the last connection that is closed tidies the files up, and must be able to write.
  reader_->end();
  reading_.join();
  writer_->end();
  writing_.join();
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
  found->second->rest();
  if (found->second->extent().last == 0) logs_.erase(found);
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
