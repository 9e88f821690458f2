#include <algorithm>
#include <utility>

#include <switchboard/rooms/sqlite/data_directory.hpp>
#include <switchboard/rooms/sqlite/database.hpp>
#include <switchboard/rooms/sqlite/journal.hpp>
#include <switchboard/rooms/sqlite/schema.hpp>
#include <switchboard/rooms/sqlite_salvage.hpp>

namespace switchboard::rooms {

using sqlite::database;
using sqlite::statement;

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
  if (!rooms) return rpc::status{rooms.status().code, path + ": " + rooms.status().message};
  auto claimed = sqlite::data_directory::claim(directory);
  if (!claimed) return claimed.status();
  sqlite_salvage opened{std::make_unique<files>(files{std::move(*claimed), std::move(*rooms)})};
  if (auto failure = opened.find(room); !failure.ok()) return rpc::status{failure.code, path + ": " + failure.message};
  opened.files_->claimed.sign();
  return opened;
}

rpc::status sqlite_salvage::find(const std::string& room) {
  auto& rooms = files_->rooms;
  if (auto failure = sqlite::recognise(rooms); !failure.ok()) return failure;
  // A damaged database may have lost its tables: that is no statement that does not fit the schema.
  if (const auto tables = rooms.ask("EXPLAIN SELECT id, name, first, last, sequence, body FROM rooms, messages");
      !tables)
    return tables.status();
  rpc::status failure{rpc::code::not_found, "there is no room " + room};
  // Where the index is damaged the table may be whole, and where part of the table is the index may lead past it.
  for (const auto* way : {"", " NOT INDEXED"}) {
    statement named(rooms, std::string("SELECT id, first, last FROM rooms") + way + " WHERE name = ?");
    if (!named) return rooms.status();
    auto row = named.query(std::string_view(room));
    if (row.next()) {
      number_ = row.integer(0);
      first_ = row.integer(1);
      last_ = last_stored_ = row.integer(2);
      failure = {};
      break;
    }
    if (!row.status().ok()) failure = row.status();
  }
  if (!failure.ok()) return failure;
  // The room may end elsewhere than it says.
  statement newest(rooms, "SELECT max(sequence) FROM messages WHERE room = ?");
  if (!newest) return rooms.status();
  if (auto row = newest.query(number_); row.next()) {
    last_stored_ = row.integer(0);
    last_ = std::max(last_, last_stored_);
  }
  return {};
}

void sqlite_salvage::read(const found_message& found, const lost_messages& lost) {
  statement onward(files_->rooms,
                   "SELECT sequence, body FROM messages WHERE room = ? AND sequence BETWEEN ? AND ? ORDER BY sequence");
  auto unread = first_;
  for (auto next = first_; onward && next <= last_stored_; ++next) {
    auto rows = onward.query(number_, next, last_stored_);
    for (; rows.next() && rows.integer(0) == next; ++next) {
      if (!found(next, rows.bytes(1))) continue;
      if (unread < next) lost(unread, next - 1);
      unread = next + 1;
    }
    // This one cannot be read; the one after it perhaps can.
  }
  if (unread <= last_) lost(unread, last_);
}

}  // namespace switchboard::rooms
