#include <algorithm>
#include <utility>

#include <switchboard/rooms/sqlite/data_directory.hpp>
#include <switchboard/rooms/sqlite/database.hpp>
#include <switchboard/rooms/sqlite/journal.hpp>
#include <switchboard/rooms/sqlite/schema.hpp>
#include <switchboard/rooms/sqlite/stored_message.hpp>
#include <switchboard/rooms/sqlite/stored_room.hpp>
#include <switchboard/rooms/sqlite_salvage.hpp>

namespace switchboard::rooms {

using sqlite::database;
using sqlite::in_file;
using sqlite::statement;
using sqlite::stored_message;
using sqlite::stored_room;

struct sqlite_salvage::files {
  sqlite::data_directory claimed;
  database rooms;
};

sqlite_salvage::sqlite_salvage(std::unique_ptr<files> opened) : files_(std::move(opened)) {}
sqlite_salvage::sqlite_salvage(sqlite_salvage&&) noexcept = default;
sqlite_salvage& sqlite_salvage::operator=(sqlite_salvage&&) noexcept = default;
sqlite_salvage::~sqlite_salvage() = default;

rpc::result<sqlite_salvage> sqlite_salvage::open(const std::filesystem::path& directory, const std::string& room) {
  const auto path = sqlite::database_path(directory);
  // Before the claim, which would leave its lock in a directory that has no database.
  auto rooms = database::open(path, sqlite::access::read_only);
  if (!rooms) return in_file(path, rooms.status());
  auto claimed = sqlite::data_directory::claim(directory);
  if (!claimed) return claimed.status();
  sqlite_salvage opened{std::make_unique<files>(files{std::move(*claimed), std::move(*rooms)})};
  if (auto failure = opened.find(room); !failure.ok()) return in_file(path, std::move(failure));
  opened.files_->claimed.sign();
  return opened;
}

rpc::status sqlite_salvage::find(const std::string& room) {
  auto& rooms = files_->rooms;
  const auto version = sqlite::version_of(rooms);
  if (!version) return version.status();
  if (auto lost = sqlite::find_tables(rooms, *version); !lost.ok()) return lost;
  columns_ = stored_message::columns(*version);
  rpc::status failure{rpc::code::not_found, "there is no room " + room};
  // Where the index is damaged the table may be whole, and where part of the table is the index may lead past it.
  for (const auto* way : {"", " NOT INDEXED"}) {
    statement named(rooms, "SELECT " + stored_room::columns(*version) + " FROM rooms" + way + " WHERE name = ?");
    if (!named) return rooms.refusal();
    auto row = named.query(std::string_view(room));
    if (row.next()) {
      const stored_room stored{row};
      name_ = room;
      number_ = stored.row.number;
      knows_its_ends_ = stored.is_whole();
      if (knows_its_ends_) {
        first_ = std::max<std::uint64_t>(stored.row.first, 1);
        last_ = last_stored_ = stored.row.last;
      }
      failure = {};
      break;
    }
    if (!row.status().ok()) failure = row.status();
  }
  if (!failure.ok()) return failure;
  return find_ends();
}

/// The room may begin and end elsewhere than it says.
rpc::status sqlite_salvage::find_ends() {
  statement newest(files_->rooms, "SELECT max(sequence) FROM messages WHERE room = ?");
  statement oldest(files_->rooms, "SELECT min(sequence) FROM messages WHERE room = ?");
  if (!newest || !oldest) return files_->rooms.refusal();
  if (auto row = newest.query(number_); row.next()) {
    last_stored_ = row.integer(0);
    last_ = std::max(last_, last_stored_);
  }
  if (auto row = oldest.query(number_); row.next() && !row.is_null(0))
    first_ = knows_its_ends_ ? std::min(first_, row.integer(0)) : row.integer(0);
  return {};
}

void sqlite_salvage::read(const found_message& found, const lost_messages& lost) {
  statement onward(files_->rooms, "SELECT " + columns_ +
                                      " FROM messages WHERE room = ? AND sequence BETWEEN ? AND ? ORDER BY sequence");
  auto unread = first_;
  for (auto next = first_; onward && next <= last_stored_;) {
    auto rows = onward.query(number_, next, last_stored_);
    while (rows.next()) {
      const stored_message message{rows};
      // A damaged index may have it twice; the search does not go back.
      next = std::max(next, message.sequence + 1);
      if (message.sequence < unread) continue;
      if (!message.is_whole(name_) || !found(message.sequence, message.body)) continue;
      if (unread < message.sequence) lost(unread, message.sequence - 1);
      unread = message.sequence + 1;
    }
    if (rows.status().ok()) break;
    // This one cannot be read; the one after it perhaps can.
    ++next;
  }
  if (unread <= last_) lost(unread, last_);
}

}  // namespace switchboard::rooms
