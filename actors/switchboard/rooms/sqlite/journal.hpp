#pragma once

/// The one writer of a database of rooms: what waits goes into one transaction.
///
/// Why        a commit costs one sync of the disk, whichever rooms' messages are in it; and one writer gives sequences without
///            gaps, which it assigns inside the transaction.
/// Order      rooms take turns (append_queue.hpp), so that one room's appends delay no other's; each room's are stored as they
///            came. For each group: commit, then every room's extent, then its watch, then the answers.
/// Threads    append, keep, end: any. The rest runs on the one that its owner gives to run(). A room's log that calls in
///            shares it for that moment, and may be the last to release it: so it joins no thread.
/// Owns       its connection, what waits (append_queue.hpp), each room once, and the ids that it has read (known_ids.hpp).
/// Errors     one room's statement that fails is rolled back alone; what concerns the disk or the file fails the group.
///            For want of space, or of the lock, the group is rolled back; after another failure the connection is opened
///            anew for the next, with what the database then holds.

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <switchboard/rooms/sqlite/age_watch.hpp>
#include <switchboard/rooms/sqlite/append_queue.hpp>
#include <switchboard/rooms/sqlite/database.hpp>
#include <switchboard/rooms/sqlite/journal_metrics.hpp>
#include <switchboard/rooms/sqlite/known_ids.hpp>
#include <switchboard/rooms/sqlite/room_log.hpp>
#include <switchboard/rooms/sqlite_store.hpp>

namespace switchboard::rooms::sqlite {

class checkpointer;

/// "rooms.db"
std::string database_path(const std::filesystem::path& directory);
/// Refuses a write-ahead log whose database is lost: SQLite would drop it, and what was committed in it.
rpc::status refuse_lost_database(const std::string& path);
/// Opens the one that is there, or an empty file, for writing as `safety` wants it, without checkpoints after commits. What
/// is another application's stays as it is.
rpc::result<database> open_for_writing(const std::string& path, durability safety);

/// What one transaction takes. Whatever comes meanwhile waits for all of it.
struct transaction_limits {
  /// Records, and the bytes that they take, but for an append that alone has more: 3 to 12 ms on the disk of
  /// framework/docs/performance.md. 4,096 records or 8 MiB take 20 to 170 ms there, and are stored no faster.
  static constexpr std::size_t records = 1'024;
  static constexpr std::size_t bytes = std::size_t{1} << 20;
  /// Ids that are read first, of rooms whose ids are not known: ten thousand take 3 ms. Appends to other rooms come before
  /// (append_queue.hpp).
  static constexpr std::size_t read_ids = 80'000;
  /// As many as these a room counts for that has fewer: it takes a look into the database all the same.
  static constexpr std::size_t least_ids = 250;
  /// Rooms that are trimmed besides those that messages are appended to, and the messages and bytes that are trimmed of each;
  /// of one that messages are appended to as many bytes as come to twice the new ones, if that is more. What is still to
  /// be trimmed is in the next transaction.
  static constexpr std::size_t trimmed_rooms = 8;
  static constexpr std::uint64_t trimmed_messages = 1'000;
  static constexpr std::uint64_t trimmed_bytes = std::uint64_t{128} << 10;
};

class journal {
public:
  /// How long rooms wait to be trimmed after a failure; an append is tried at once.
  static constexpr std::chrono::milliseconds retry_pause{1'000};

  /// `believed`: the time that the journal before believed last (retention_clock.hpp).
  journal(database rooms, const sqlite_options& options, std::chrono::milliseconds believed);
  ~journal();
  journal(const journal&) = delete;
  journal& operator=(const journal&) = delete;

  void append(append_request wanted);
  /// Has the journal see to a stored room: what retention does not keep of it is trimmed. A room that is new is seen to
  /// from its first append on.
  void keep(std::shared_ptr<room_log> room);
  /// Nothing is appended to the room for now: its ids are released.
  void rest(const std::string& room) { ids_.forget(room); }
  /// Writes until the end, and what was accepted before it. `checkpoints` learns of each transaction.
  void run(checkpointer& checkpoints);
  /// Accepts no more.
  void end();

private:
  struct statements;
  /// What goes into one transaction.
  struct turn {
    /// Whether an append to the room is within the limits; so many ids as are to be read for it are counted, once.
    bool admits(const room_log& room, std::size_t ids_to_read);
    void add(append_request wanted);

    std::vector<append_request> group;
    std::size_t records = 0;                       ///< in the group
    std::size_t bytes = 0;                         ///< that they take
    std::vector<const room_log*> reads;            ///< rooms whose ids are read first
    std::size_t ids = 0;                           ///< that are
    std::vector<std::shared_ptr<room_log>> rooms;  ///< to be trimmed
  };
  /// A room in the current transaction.
  struct staged {
    room_row before;
    room_row row;
    std::optional<dedupe_window> ids{};  ///< out of those known; nothing: not read yet
    bool due = false;                    ///< also to be trimmed of what is not new
    bool trims_on = false;               ///< there may be more to trim
    std::unordered_map<std::string, std::uint64_t> new_ids;
    std::vector<std::pair<std::string, std::uint64_t>> ids_in_order;

    /// Forgets what was staged since the room was so and had that many new ids.
    void undo_to(room_row then, std::size_t id_count);
  };
  using staged_rooms = std::unordered_map<room_log*, staged>;

  bool take_turn(turn& next);
  void make_due(const std::shared_ptr<room_log>& room);
  void write(turn& next);
  rpc::status prepare();
  rpc::status write_in_transaction(turn& next, staged_rooms& stages, std::vector<std::vector<append_result>>& results);
  rpc::status store(append_request& wanted, staged& to, std::vector<append_result>& results);
  rpc::status stage_of(room_log& room, staged_rooms& stages, staged*& found);
  rpc::status trim(room_log& room, staged& of, std::uint64_t now_ms);
  void forget_connection();

  const sqlite_options options_;
  const journal_metrics figures_;

  std::mutex mutex_;
  std::condition_variable work_came_;
  append_queue waiting_;
  std::vector<std::shared_ptr<room_log>> new_rooms_;
  bool ends_ = false;

  // The thread's own.
  known_ids ids_;
  std::optional<database> rooms_;
  std::unique_ptr<statements> statements_;
  std::vector<std::shared_ptr<room_log>> known_;  ///< from before, or from its first append on
  std::deque<std::shared_ptr<room_log>> due_;     ///< to be trimmed
  std::chrono::steady_clock::time_point due_from_{};
  age_watch ages_;
};

}  // namespace switchboard::rooms::sqlite
