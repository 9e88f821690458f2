#include <algorithm>
#include <utility>

#include <switchboard/rooms/sqlite/data_directory.hpp>
#include <switchboard/rooms/sqlite/database.hpp>
#include <switchboard/rooms/sqlite/journal.hpp>
#include <switchboard/rooms/sqlite/schema.hpp>
#include <switchboard/rooms/sqlite/stored_message.hpp>
#include <switchboard/rooms/sqlite/stored_room.hpp>
#include <switchboard/rooms/sqlite_check.hpp>

namespace switchboard::rooms {
namespace {

using sqlite::database;
using sqlite::in_file;
using sqlite::statement;
using sqlite::stored_message;
using sqlite::stored_room;

/// What is wrong with the messages of one room: neighbours with the same fault are named together.
class message_faults {
public:
  message_faults(std::string room, std::function<void(std::string)> name)
      : room_(std::move(room)), name_(std::move(name)) {}
  ~message_faults() { flush(); }
  message_faults(const message_faults&) = delete;
  message_faults& operator=(const message_faults&) = delete;

  /// `how`: "is damaged", say; both ends included.
  void add(std::uint64_t from, std::uint64_t to, std::string_view how) {
    if (how != how_ || from != to_ + 1) {
      flush();
      how_ = how;
      from_ = from;
    }
    to_ = to;
  }
  void flush() {
    if (how_.empty()) return;
    const auto which = from_ == to_ ? "message " : "messages " + std::to_string(from_) + " to ";
    name_(room_ + ": " + which + std::to_string(to_) + ": " + std::string(how_));
    how_ = {};
  }

private:
  const std::string room_;
  const std::function<void(std::string)> name_;
  std::string_view how_;
  std::uint64_t from_ = 0;
  std::uint64_t to_ = 0;
};

class checker {
public:
  checker(database& rooms, std::size_t version, const std::function<bool(std::string_view)>& is_body)
      : rooms_(rooms), version_(version), is_body_(is_body) {}

  sqlite_check_report run() {
    look_at_file();
    if (auto lost = sqlite::find_tables(rooms_, version_); !lost.ok()) {
      add(lost.message);
      return std::move(report_);
    }
    look_at_rooms();
    look_for(
        "SELECT CAST(name AS TEXT) || ': an id of message ' || ids.sequence || ', after the last' FROM rooms "
        "JOIN ids ON ids.room = rooms.id WHERE ids.sequence > last");
    look_for(
        "SELECT CAST(name AS TEXT) || ': one id for two messages' FROM rooms JOIN ids ON ids.room = rooms.id "
        "GROUP BY rooms.id, ids.id HAVING count(*) > 1");
    look_for(
        "SELECT 'messages of a room that is not there: ' || room FROM messages WHERE room NOT IN "
        "(SELECT id FROM rooms) GROUP BY room");
    return std::move(report_);
  }

private:
  void add(std::string fault) {
    if (report_.faults.size() < sqlite_check_report::faults_max)
      report_.faults.push_back(std::move(fault));
    else
      report_.faults.back() = "there are more faults";
  }

  void look_at_file() {
    const auto whole = rooms_.ask("PRAGMA integrity_check(1)");
    if (!whole)
      add(whole.status().message);
    else if (*whole != "ok")
      add(*whole);
  }

  /// A fault for each row of a statement.
  void look_for(const char* faults) {
    statement look(rooms_, faults);
    if (!look) return add(rooms_.refusal().message);
    auto found = look.query();
    while (found.next()) add(std::string(found.bytes(0)));
    if (!found.status().ok()) add(found.status().message);
  }

  void look_at_rooms() {
    statement every(rooms_, "SELECT " + stored_room::columns(version_) + " FROM rooms ORDER BY name");
    if (!every) return add(rooms_.refusal().message);
    auto found = every.query();
    while (found.next()) {
      const stored_room stored{found};
      if (!stored.is_whole()) add(stored.name + ": " + stored_room::damage);
      look_at_messages(stored.row.number, {stored.name, stored.row.first, stored.row.last});
    }
    if (!found.status().ok()) add(found.status().message);
  }

  void look_at_messages(std::uint64_t number, sqlite_check_report::room room) {
    if (room.first == 0 || room.first > room.last + 1)
      add(room.name + ": the first message that it says it has is none");
    statement all(rooms_,
                  "SELECT " + stored_message::columns(version_) + " FROM messages WHERE room = ? ORDER BY sequence");
    if (!all) return add(rooms_.refusal().message);
    message_faults faults(room.name, [this](std::string fault) { add(std::move(fault)); });
    auto expected = room.first;
    auto found = all.query(number);
    while (found.next()) {
      const stored_message message{found};
      const auto at = message.sequence;
      if (at > expected && expected <= room.last) faults.add(expected, std::min(at - 1, room.last), "missing");
      expected = std::max(expected, at + 1);
      if (at < room.first || at > room.last)
        faults.add(at, at, "not one of those that the room says it has");
      else if (!message.is_whole(room.name))
        faults.add(at, at, "damaged");
      else if (!is_body_(message.body))
        faults.add(at, at, "not a message");
      if (!message.checksum) ++room.without_checksum;
    }
    if (!found.status().ok()) {
      faults.flush();
      add(room.name + ": " + found.status().message);
    } else if (expected <= room.last) {
      faults.add(expected, room.last, "missing");
    }
    report_.rooms.push_back(std::move(room));
  }

  database& rooms_;
  const std::size_t version_;
  const std::function<bool(std::string_view)>& is_body_;
  sqlite_check_report report_;
};
}  // namespace

rpc::result<sqlite_check_report> check_sqlite(const std::filesystem::path& directory,
                                              const std::function<bool(std::string_view)>& is_body) {
  const auto claimed = sqlite::data_directory::claim(directory);
  if (!claimed) return claimed.status();
  const auto path = sqlite::database_path(directory);
  if (auto lost = sqlite::refuse_lost_database(path); !lost.ok()) return in_file(path, std::move(lost));
  auto rooms = database::open(path, sqlite::access::read_only);
  if (!rooms) return in_file(path, rooms.status());
  const auto version = sqlite::version_of(*rooms);
  if (!version) return in_file(path, version.status());
  claimed->sign();
  return checker{*rooms, *version, is_body}.run();
}

}  // namespace switchboard::rooms
