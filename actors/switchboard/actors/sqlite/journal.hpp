#pragma once

/// The one writer of a database of rooms: what waits goes into one transaction.
///
/// Why        a commit costs one sync of the disk, whoever's messages are in it; and one writer gives sequences without
///            gaps, which it assigns inside the transaction.
/// Order      for each group: commit, then every room's extent, then its watch, then the answers.
/// Threads    append, keep, end: any. The rest runs on the one that its owner gives to run(). A room's log that calls in
///            shares it for that moment, and may be the last to let go of it: so it joins no thread.
/// Owns       its connection, and what waits, at most queue_limit drafts.
/// Errors     one room's statement that fails is rolled back alone; what concerns the disk or the file fails the group,
///            and the connection is opened anew for the next, with what the database then holds.

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

#include <switchboard/actors/sqlite/database.hpp>
#include <switchboard/actors/sqlite/room_log.hpp>
#include <switchboard/actors/sqlite_home.hpp>

namespace switchboard::sqlite {

/// "rooms.db"
std::string database_path(const std::filesystem::path& directory);
/// Refuses a write-ahead log whose database is lost: SQLite would drop it, and what was committed in it.
rpc::status refuse_lost_database(const std::string& path);
/// Opens it for writing as `safety` wants it. What is another application's stays as it is.
rpc::result<database> open_for_writing(const std::string& path, access how, durability safety);

struct append_request {
  std::shared_ptr<room_log> to;
  std::vector<draft> drafts;
  std::function<void(std::vector<append_result>)> done;
};

class journal {
public:
  /// Drafts that may wait for the disk.
  static constexpr std::size_t queue_limit = 65'536;
  /// Drafts of one transaction, but for a request that alone has more.
  static constexpr std::size_t group_limit = 4'096;
  /// Messages that one transaction trims of a room, so that nobody waits long for it.
  static constexpr std::size_t trim_limit = 1'000;
  /// How often rooms that nobody publishes to are looked at for messages that are too old.
  static constexpr std::chrono::seconds age_check_interval{30};

  journal(database rooms, const sqlite_options& options);
  ~journal();
  journal(const journal&) = delete;
  journal& operator=(const journal&) = delete;

  void append(append_request wanted);
  /// Stores a room that has no messages yet, and has the journal see to its retention.
  void keep(std::shared_ptr<room_log> room);
  /// Writes until the end, and what was accepted before it.
  void run();
  /// Accepts no more.
  void end();

private:
  struct statements;
  /// A room in the transaction under way.
  struct staged {
    room_row row;
    std::unordered_map<std::string, std::uint64_t> new_ids;
    std::vector<std::pair<std::string, std::uint64_t>> ids_in_order;
  };
  using staged_rooms = std::unordered_map<room_log*, staged>;

  void write(std::vector<append_request> group, std::vector<std::shared_ptr<room_log>> rooms);
  rpc::status prepare();
  rpc::status write_in_transaction(std::vector<append_request>& group,
                                   const std::vector<std::shared_ptr<room_log>>& rooms, staged_rooms& stages,
                                   std::vector<std::vector<append_result>>& results);
  rpc::status store(append_request& wanted, staged& to, std::vector<append_result>& results);
  rpc::status stage_of(room_log& room, staged_rooms& stages, staged*& found);
  rpc::status load_ids(room_log& room, std::uint64_t number);
  rpc::status trim(room_log& room, staged& of, std::uint64_t now_ms);
  void forget_connection();

  const sqlite_options options_;
  const std::string path_;

  std::mutex mutex_;
  std::condition_variable work_came_;
  std::deque<append_request> waiting_;
  std::size_t drafts_waiting_ = 0;
  std::vector<std::shared_ptr<room_log>> rooms_to_store_;
  bool ends_ = false;

  // The thread's own.
  std::optional<database> rooms_;
  std::unique_ptr<statements> statements_;
  std::unordered_map<room_log*, std::weak_ptr<room_log>>
      known_;  ///< rooms it has an idea of, for retention and reopening
};

}  // namespace switchboard::sqlite
