#pragma once

/// Logs in an SQLite database: what was acknowledged is there after a crash.
///
/// Why        the default store of rooms that outlive their broker. One writer commits what waits in one transaction; a
///            reader of its own serves histories, and another thread makes checkpoints, so that none waits for another
///            (but sqlite/checkpointer.hpp).
/// Rooms      one is in the database from its first message on; one without any ends with the store.
/// Order      committed, then extent() and read() show it, then watch()'s callback is called, then append() is done.
/// Files      DIRECTORY/rooms.db with its write-ahead log, and DIRECTORY/lock, held while this lives: a second store on
///            the directory is refused, also one of another process. What is made is its owner's alone (0700, 0600); what
///            was there and is not is named in the log.
/// Threads    any. `done` of append() is called on the writer's thread, of read() on the reader's; both must be quick.
/// Owns       the files' lock, the three threads and their connections. The destructor commits what was accepted before; it
///            joins the threads, so it must not run in a `done`.
/// Errors     of open(): what is wrong with the directory or the database; a damaged one is never replaced. A room whose
///            messages are not those that it says it has, or not as they were written, answers DATA_LOSS from then on;
///            the others go on. Of records:
///            resource_exhausted where space ran out or too much waits, else unavailable; the next attempt starts
///            afresh, so nothing has to be restarted when a fault has ended.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <switchboard/budget/ledger.hpp>
#include <switchboard/metrics/registry.hpp>
#include <switchboard/rooms/log.hpp>
#include <switchboard/rooms/room_memory.hpp>
#include <switchboard/rpc/result.hpp>

namespace switchboard::rooms {

namespace sqlite {
class checkpointer;
class data_directory;
class history;
class journal;
class room_log;
}  // namespace sqlite

/// What is kept of a room; 0: without bound. Bytes are those of the encoded entries. While the clock of the day is doubted,
/// because it jumped ahead or the broker was not running for long, ages are those of the time before (retention_clock.hpp).
struct retention {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  std::chrono::milliseconds age{0};

  /// Whether a room of this size is to be trimmed, whatever its age.
  bool is_exceeded_by(std::uint64_t room_messages, std::uint64_t room_bytes) const noexcept {
    return (messages != 0 && room_messages > messages) || (bytes != 0 && room_bytes > bytes);
  }
};

struct sqlite_options {
  std::filesystem::path directory;
  /// fsynced: synchronous=FULL. written: NORMAL, which survives the process but not a loss of power.
  durability safety = durability::fsynced;
  retention keep;
  std::size_t dedupe_window = 10'000;  ///< a room's newest ids that are known again
  /// How often rooms without new messages are looked at for messages that are too old.
  std::chrono::milliseconds age_check_interval = std::chrono::seconds{30};
  /// The clock of the day.
  std::function<std::chrono::system_clock::time_point()> time_of_day = std::chrono::system_clock::now;
  /// Where the journal counts; null: nowhere.
  std::shared_ptr<metrics::registry> figures{};
  /// Where what waits for the disk counts in the server's memory; null: nowhere.
  std::shared_ptr<budget::ledger> memory{};
  /// Where the ids that the journal has read count with what rooms keep in memory; null: nowhere, and they have no bound.
  std::shared_ptr<room_memory> within{};
};

class sqlite_store final : public log_store {
public:
  static rpc::result<std::shared_ptr<sqlite_store>> open(encoder encode, const sqlite_options& options);
  ~sqlite_store() override;

  /// Deletes a room, its messages and ids from the directory's database, in one transaction; what they were is
  /// overwritten. A room of that name begins anew, with a log_id of its own. NOT_FOUND where there is none.
  static rpc::status remove(const std::filesystem::path& directory, const std::string& room);

  std::shared_ptr<log> open(const std::string& room) override;
  void close(const std::string& room) override;
  std::shared_ptr<log> find(const std::string& room) const override;
  std::vector<std::string> rooms(const std::string& after, std::size_t limit) const override;
  std::size_t size() const override;

private:
  sqlite_store(encoder encode, sqlite::data_directory claimed, std::shared_ptr<sqlite::journal> writer,
               std::unique_ptr<sqlite::checkpointer> checkpoints, std::shared_ptr<sqlite::history> reader);

  const encoder encode_;
  const std::unique_ptr<const sqlite::data_directory> claimed_;
  const std::shared_ptr<sqlite::journal> writer_;
  const std::unique_ptr<sqlite::checkpointer> checkpoints_;
  const std::shared_ptr<sqlite::history> reader_;
  std::thread writing_;
  std::thread checkpointing_;
  std::thread reading_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<sqlite::room_log>> logs_;
};

}  // namespace switchboard::rooms
