#include <algorithm>
#include <utility>

#include <caf/detail/set_thread_name.hpp>

#include <switchboard/logging/logging.hpp>
#include <switchboard/rooms/sqlite/checkpointer.hpp>
#include <switchboard/rooms/sqlite/data_directory.hpp>
#include <switchboard/rooms/sqlite/journal.hpp>
#include <switchboard/rooms/sqlite/schema.hpp>
#include <switchboard/rooms/sqlite/stored_message.hpp>
#include <switchboard/rooms/sqlite/stored_room.hpp>

namespace switchboard::rooms::sqlite {
namespace {

/// Beyond that the write-ahead log is cut back at a checkpoint.
constexpr int log_bytes_kept = 32 << 20;

logging::throttle& write_failures() {
  static logging::throttle lines{"failures to write the rooms"};
  return lines;
}

/// How many ids are to be read for a room at most; 0 where they are known, or it is new. Any thread.
std::size_t ids_to_read(const room_log& of, const known_ids& known, std::size_t window) {
  if (of.number() == 0 || known.has(of.room())) return 0;
  return std::max(transaction_limits::least_ids, std::min<std::size_t>(of.extent().last, window));
}

}  // namespace

std::string database_path(const std::filesystem::path& directory) {
  return (directory / database_name).string();
}

rpc::status refuse_lost_database(const std::string& path) {
  const auto size_of = [](const std::string& file) {
    std::error_code none;
    const auto size = std::filesystem::file_size(file, none);
    return none ? 0 : size;
  };
  const auto log = path + "-wal";
  if (size_of(path) != 0 || size_of(log) == 0) return {};
  return {rpc::code::data_loss, "it is lost or empty, but " + log +
                                    " has what was committed. Both are left as they are: put back a copy, or take the "
                                    "write-ahead log away to begin anew"};
}

rpc::result<database> open_for_writing(const std::string& path, durability safety) {
  if (auto lost = refuse_lost_database(path); !lost.ok()) return lost;
  auto opened = database::open(path, access::read_write);
  if (!opened) return opened.status();
  if (auto failure = refuse_foreign(*opened); !failure.ok()) return failure;
  const std::string synchronous = safety == durability::written ? "NORMAL" : "FULL";
  // WAL first: the rest is of the connection.
  if (auto failure = opened->execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = " + synchronous +
                                     "; PRAGMA journal_size_limit = " + std::to_string(log_bytes_kept));
      !failure.ok())
    return failure;
  opened->count_log();
  return opened;
}

struct journal::statements {
  explicit statements(const database& in)
      : begin(in, "BEGIN IMMEDIATE"),
        commit(in, "COMMIT"),
        save(in, "SAVEPOINT room"),
        release(in, "RELEASE room"),
        undo(in, "ROLLBACK TO room"),
        find_room(in, "SELECT " + stored_room::columns(newest_version) + " FROM rooms WHERE name = ?"),
        add_room(in, "INSERT INTO rooms (name, log_id, first, last, bytes) VALUES (?, ?, 1, 0, 0)"),
        set_room(in, "UPDATE rooms SET first = ?, last = ?, bytes = ?, checksum = ? WHERE id = ?"),
        add_message(in, "INSERT INTO messages (room, sequence, at, body, checksum) VALUES (?, ?, ?, ?, ?)"),
        oldest(in, "SELECT " + stored_message::columns(newest_version) +
                       " FROM messages WHERE room = ? ORDER BY sequence LIMIT ?"),
        trim(in, "DELETE FROM messages WHERE room = ? AND sequence < ?"),
        ids(in, "SELECT id, sequence FROM ids WHERE room = ? ORDER BY sequence"),
        add_id(in, "INSERT INTO ids (room, sequence, id) VALUES (?, ?, ?)"),
        forget_ids(in, "DELETE FROM ids WHERE room = ? AND sequence <= ?"),
        set_clock(in, "UPDATE clock SET at = ?") {}

  explicit operator bool() const noexcept {
    for (const auto* each : {&begin, &commit, &save, &release, &undo, &find_room, &add_room, &set_room, &add_message,
                             &oldest, &trim, &ids, &add_id, &forget_ids, &set_clock})
      if (!*each) return false;
    return true;
  }

  statement begin, commit, save, release, undo;
  statement find_room, add_room, set_room;
  statement add_message, oldest, trim;
  statement ids, add_id, forget_ids;
  statement set_clock;
};

journal::journal(database rooms, const sqlite_options& options, std::chrono::milliseconds believed)
    : options_(options),
      figures_(options.figures),
      waiting_(figures_, options.memory),
      ids_(options.within),
      rooms_(std::move(rooms)),
      ages_(options_, believed) {}

journal::~journal() = default;

void journal::append(append_request wanted) {
  auto refused = wanted.to->condition();
  if (refused.ok()) {
    wanted.ids_to_read = ids_to_read(*wanted.to, ids_, options_.dedupe_window);
    const std::lock_guard lock{mutex_};
    refused = ends_ ? log_is_closed() : waiting_.push(wanted);
    if (refused.ok()) return work_came_.notify_one();
  }
  wanted.done(std::vector<append_result>(wanted.records.size(), append_result{refused}));
}

void journal::keep(std::shared_ptr<room_log> room) {
  {
    const std::lock_guard lock{mutex_};
    new_rooms_.push_back(std::move(room));
  }
  work_came_.notify_one();
}

void journal::end() {
  const std::lock_guard lock{mutex_};
  ends_ = true;
  work_came_.notify_one();
}

void journal::run(checkpointer& checkpoints) {
  caf::detail::set_thread_name("journal");
  for (turn next; take_turn(next); next = {}) {
    write(next);
    {
      const std::lock_guard lock{mutex_};
      waiting_.release(next.bytes);
    }
    if (rooms_) checkpoints.committed(rooms_->log_pages());
  }
  // The next journal compares its clock with how late it is now, and not when the last message came. Where that fails, it
  // doubts its clock.
  if (prepare().ok()) (void)statements_->set_clock.run(ages_.believed());
  forget_connection();
}

bool journal::turn::admits(const room_log& room, std::size_t ids_to_read) {
  if (records >= transaction_limits::records || bytes >= transaction_limits::bytes) return false;
  if (ids_to_read == 0 || std::find(reads.begin(), reads.end(), &room) != reads.end()) return true;
  if (!reads.empty() && ids + ids_to_read > transaction_limits::read_ids) return false;
  ids += ids_to_read;
  reads.push_back(&room);
  return true;
}

void journal::turn::add(append_request wanted) {
  records += wanted.records.size();
  bytes += wanted.bytes;
  group.push_back(std::move(wanted));
}

/// Waits until there may be something to write, and takes it; false: the end.
bool journal::take_turn(turn& next) {
  using clock = std::chrono::steady_clock;
  std::unique_lock lock{mutex_};
  work_came_.wait_until(lock, due_.empty() ? ages_.next_look() : std::min(ages_.next_look(), due_from_),
                        [this] { return ends_ || !waiting_.empty() || !new_rooms_.empty(); });
  for (auto& each : std::exchange(new_rooms_, {})) {
    make_due(each);
    each->is_known = true;
    known_.push_back(std::move(each));
  }
  const auto now = clock::now();
  // Whether or not there is other work: one busy room must not keep the others' old messages.
  if (ages_.takes_look(now)) {
    // The store has forgotten those that it does not share: they were never stored.
    std::erase_if(known_, [](const auto& each) { return each.use_count() == 1; });
    if (options_.keep.age.count() > 0)
      for (const auto& each : known_) make_due(each);
  }
  // What is to be trimmed is still there next time.
  if (ends_) due_.clear();
  if (ends_ && waiting_.empty()) return false;
  while (!waiting_.empty()) {
    const auto& to = waiting_.front().to;
    if (!next.admits(*to, ids_to_read(*to, ids_, options_.dedupe_window))) break;
    if (!std::exchange(to->is_known, true)) known_.push_back(to);
    next.add(waiting_.pop());
  }
  if (now < due_from_ && !ends_) return true;
  while (!due_.empty() && next.rooms.size() < transaction_limits::trimmed_rooms) {
    next.rooms.push_back(std::move(due_.front()));
    next.rooms.back()->is_due = false;
    due_.pop_front();
  }
  return true;
}

/// Has a later turn trim the room, if it may need that.
void journal::make_due(const std::shared_ptr<room_log>& room) {
  const auto& row = room->committed();
  const bool may_be_too_old = options_.keep.age.count() > 0 && row.count() > 0;
  if (room->is_due || !room->condition().ok() ||
      (!options_.keep.is_exceeded_by(row.count(), row.bytes) && !may_be_too_old))
    return;
  room->is_due = true;
  due_.push_back(room);
}

/// Writes a turn's records and rooms in one transaction, and answers its appends.
void journal::write(turn& next) {
  auto& group = next.group;
  if (group.empty() && next.rooms.empty()) return;
  staged_rooms stages;
  std::vector<std::vector<append_result>> results(group.size());
  auto failure = prepare();
  if (failure.ok()) failure = write_in_transaction(next, stages, results);
  if (failure.ok()) {
    figures_.commits.add();
    if (!group.empty()) figures_.batch_messages.observe(next.records);
    due_from_ = {};
    for (auto& [room, stage] : stages) {
      for (auto& [id, sequence] : stage.ids_in_order) stage.ids->remember(id, sequence);
      room->show(stage.row);
      if (stage.trims_on) make_due(room->shared_from_this());
    }
  } else {
    figures_.failures.add();
    write_failures().warn("{}: {}", database_path(options_.directory), failure.message);
    // What the transaction came to is not known after every failure: the next one asks the database.
    if (!rooms_ || !rooms_->recover()) forget_connection();
    due_from_ = std::chrono::steady_clock::now() + retry_pause;
    for (const auto& each : next.rooms) make_due(each);
    for (std::size_t i = 0; i < group.size(); ++i) results[i].assign(group[i].records.size(), append_result{failure});
  }
  // With a new connection all are to be read again.
  for (auto& [room, stage] : stages)
    if (stage.ids && rooms_) ids_.keep(room->room(), *std::move(stage.ids));
  for (std::size_t i = 0; i < group.size(); ++i) group[i].done(std::move(results[i]));
}

/// Sees to a connection with statements.
rpc::status journal::prepare() {
  if (statements_) return {};
  if (!rooms_) {
    auto opened = open_for_writing(database_path(options_.directory), options_.safety);
    if (!opened) return opened.status();
    rooms_.emplace(std::move(*opened));
    if (auto failure = recognise(*rooms_); !failure.ok()) {
      rooms_.reset();
      return failure;
    }
  }
  auto made = std::make_unique<statements>(*rooms_);
  if (!*made) {
    auto failure = rooms_->refusal();
    made.reset();
    forget_connection();
    return failure;
  }
  statements_ = std::move(made);
  return {};
}

void journal::forget_connection() {
  statements_.reset();
  rooms_.reset();
  ids_.clear();
}

void journal::staged::undo_to(room_row then, std::size_t id_count) {
  row = std::move(then);
  for (; ids_in_order.size() > id_count; ids_in_order.pop_back()) new_ids.erase(ids_in_order.back().first);
}

rpc::status journal::write_in_transaction(turn& next, staged_rooms& stages,
                                          std::vector<std::vector<append_result>>& results) {
  auto& sql = *statements_;
  if (auto failure = sql.begin.run(); !failure.ok()) return failure;
  staged* stage = nullptr;
  for (std::size_t i = 0; i < next.group.size(); ++i) {
    auto& wanted = next.group[i];
    if (auto failure = stage_of(*wanted.to, stages, stage); !failure.ok()) {
      if (wanted.to->condition().ok()) return failure;
      // Its room is damaged: the others' messages stay.
      results[i].assign(wanted.records.size(), append_result{std::move(failure)});
      continue;
    }
    if (auto failure = sql.save.run(); !failure.ok()) return failure;
    const auto row = stage->row;
    const auto ids = stage->ids_in_order.size();
    auto failure = store(wanted, *stage, results[i]);
    if (!failure.ok()) {
      if (!rooms_->failed_by_statement()) return failure;
      // Its own fault: the others' messages stay.
      stage->undo_to(row, ids);
      results[i].assign(wanted.records.size(), append_result{std::move(failure)});
      if (auto undone = sql.undo.run(); !undone.ok()) return undone;
    }
    if (auto released = sql.release.run(); !released.ok()) return released;
  }
  for (const auto& room : next.rooms) {
    if (auto failure = stage_of(*room, stages, stage); failure.ok())
      stage->due = true;
    else if (room->condition().ok())
      return failure;
  }
  const auto believed = ages_.believed();
  for (auto& [room, each] : stages) {
    if (auto failure = trim(*room, each, believed); !failure.ok()) return failure;
    const auto& row = each.row;
    if (row == each.before) continue;
    const std::uint64_t checksum = checksum_of(room->room(), row);
    if (auto failure = sql.set_room.run(row.first, row.last, row.bytes, checksum, row.number); !failure.ok())
      return failure;
  }
  const auto began = std::chrono::steady_clock::now();
  if (ages_.takes_note(began))
    if (auto failure = sql.set_clock.run(believed); !failure.ok()) return failure;
  auto committed = sql.commit.run();
  figures_.commit_duration.observe(std::chrono::steady_clock::now() - began);
  return committed;
}

/// The room as the transaction sees it; made in the database where it is not there yet.
rpc::status journal::stage_of(room_log& room, staged_rooms& stages, staged*& found) {
  if (const auto known = stages.find(&room); known != stages.end()) {
    found = &known->second;
    return {};
  }
  staged made;
  made.row = room.committed();
  // With a new connection, or for a new room, the database says how things are.
  if (made.row.number == 0 || !ids_.has(room.room())) {
    auto& sql = *statements_;
    for (int attempt = 0; attempt < 2; ++attempt) {
      {
        auto rows = sql.find_room.query(std::string_view(room.room()));
        if (rows.next()) {
          stored_room stored{rows};
          if (!stored.is_whole()) {
            room.found_damaged(stored_room::damage);
            return room.condition();
          }
          made.row = std::move(stored.row);
          break;
        }
        if (!rows.status().ok()) return rows.status();
      }
      if (auto failure = sql.add_room.run(std::string_view(room.room()), std::string_view(made.row.log_id));
          !failure.ok())
        return failure;
    }
  }
  made.before = made.row;
  made.ids = ids_.take(room.room());
  found = &stages.emplace(&room, std::move(made)).first->second;
  return {};
}

rpc::status journal::store(append_request& wanted, staged& to, std::vector<append_result>& results) {
  auto& sql = *statements_;
  auto& room = *wanted.to;
  if (!to.ids) {
    dedupe_window window{options_.dedupe_window};
    auto rows = sql.ids.query(to.row.number);
    while (rows.next()) window.remember(rows.bytes(0), rows.integer(1));
    if (!rows.status().ok()) return rows.status();
    to.ids.emplace(std::move(window));
  }
  const auto now_ms = ages_.time_of_day();
  bool has_new_ids = false;
  for (auto& each : wanted.records) {
    append_result result;
    result.safety = options_.safety;
    if (!each.dedupe_key.empty()) {
      const auto staged_id = to.new_ids.find(each.dedupe_key);
      const auto known =
          staged_id != to.new_ids.end() ? std::optional(staged_id->second) : to.ids->find(each.dedupe_key);
      if (known) {
        result.sequence = *known;
        result.duplicate = true;
        results.push_back(std::move(result));
        continue;
      }
    }
    result.sequence = to.row.last + 1;
    const std::string_view body{each.body};
    const std::uint64_t checksum = checksum_of(room.room(), result.sequence, now_ms, body);
    if (auto failure = sql.add_message.run(to.row.number, result.sequence, now_ms, body, checksum); !failure.ok())
      return failure;
    if (!each.dedupe_key.empty() && options_.dedupe_window > 0) {
      if (auto failure = sql.add_id.run(to.row.number, result.sequence, std::string_view(each.dedupe_key));
          !failure.ok())
        return failure;
      to.new_ids.emplace(each.dedupe_key, result.sequence);
      to.ids_in_order.emplace_back(each.dedupe_key, result.sequence);
      has_new_ids = true;
    }
    result.bytes = room.encode(result.sequence, each.body);
    to.row.last = result.sequence;
    to.row.bytes += result.bytes.size();
    results.push_back(std::move(result));
  }
  // Those that the new ones push out of the window.
  const auto& known = *to.ids;
  const auto ids = known.size() + to.ids_in_order.size();
  if (!has_new_ids || ids <= options_.dedupe_window) return {};
  const auto newest_out = ids - options_.dedupe_window - 1;
  return sql.forget_ids.run(to.row.number, newest_out < known.size()
                                               ? known.sequence_at(newest_out)
                                               : to.ids_in_order[newest_out - known.size()].second);
}

/// Drops the oldest messages that retention does not keep: twice as many as are new, so that it keeps up with
/// publishers, and more where the room is due.
rpc::status journal::trim(room_log& room, staged& of, std::uint64_t now_ms) {
  auto& row = of.row;
  const auto age = static_cast<std::uint64_t>(options_.keep.age.count());
  const auto limit = std::max(2 * (row.last - of.before.last), of.due ? transaction_limits::trimmed_messages : 0);
  if (limit == 0 || row.count() == 0 || !room.condition().ok() ||
      (!options_.keep.is_exceeded_by(row.count(), row.bytes) && age == 0))
    return {};
  // Each is read, to be checked: a few large ones would hold up what comes after this transaction.
  const auto bytes_limit = std::max(2 * (row.bytes - of.before.bytes), transaction_limits::trimmed_bytes);
  std::uint64_t dropped = 0;
  std::uint64_t dropped_bytes = 0;
  {
    auto oldest = statements_->oldest.query(row.number, limit);
    while (dropped_bytes < bytes_limit && oldest.next()) {
      const stored_message message{oldest};
      if (message.sequence != row.first || !message.is_whole(room.room())) {
        room.found_damaged("message " + std::to_string(row.first) + " is missing or damaged");
        break;
      }
      if (!options_.keep.is_exceeded_by(row.count(), row.bytes) && (age == 0 || message.at + age >= now_ms)) break;
      const auto bytes = room.encode(message.sequence, std::string(message.body)).size();
      row.bytes -= std::min<std::uint64_t>(row.bytes, bytes);
      dropped_bytes += bytes;
      row.first = message.sequence + 1;
      ++dropped;
    }
    if (!oldest.status().ok()) return oldest.status();
  }
  of.trims_on = dropped == limit || dropped_bytes >= bytes_limit;
  return dropped == 0 ? rpc::status{} : statements_->trim.run(row.number, row.first);
}

}  // namespace switchboard::rooms::sqlite
