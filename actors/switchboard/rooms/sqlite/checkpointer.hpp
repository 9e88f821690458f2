#pragma once

/// Copies what was committed from the write-ahead log into the database's file; makes all of a store's checkpoints.
///
/// Why        a checkpoint waits for the disk twice. Made within a commit, all publishers wait with it, also those that no sync
///            is promised to (sqlite.org/wal.html, 3).
/// Bound      the log begins anew when a transaction begins and all of the log is copied. Where commits follow one another
///            without a pause, something of it never is: the log grows to log_pages_max, and there the journal waits, between
///            two transactions, until what it has is copied. It does not wait for a checkpoint that fails or for a reader of
///            an old state, another program's: then the disk alone bounds the log.
///            Where each commit is synced that bound is where a checkpoint is due: the log's file is used again and again, and
///            syncing one that grows takes longer than the checkpoint does.
/// Threads    run() on one that its owner gives; committed() on the journal's; end(): any, once the journal has ended.
/// Owns       its connection, from the start: opening one may take space that a full disk has not. Closed last, it copies
///            the rest and deletes the log.
/// Errors     a checkpoint that fails is in the program's log, and made again after the next commit, but no sooner than
///            retry_pause: what is not copied stays in the write-ahead log.

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <switchboard/metrics/registry.hpp>
#include <switchboard/rooms/log.hpp>
#include <switchboard/rooms/sqlite/database.hpp>

namespace switchboard::rooms::sqlite {

class checkpointer {
public:
  /// As many as SQLite has between two checkpoints: 4 MiB.
  static constexpr std::size_t pages_between = 1'000;
  /// 32 MiB, where commits are not synced: what a broker's end may have to copy, within the time it promises.
  static constexpr std::size_t log_pages_max(durability safety) noexcept {
    return safety == durability::written ? 8'192 : pages_between;
  }
  static constexpr std::chrono::milliseconds retry_pause{1'000};

  /// `path`: the database's. `safety`: of the journal's commits. `figures`: null: nothing is counted.
  checkpointer(std::string path, database rooms, durability safety, std::shared_ptr<metrics::registry> figures);

  /// After each transaction: so many pages the log has. Waits where it has all it may have.
  void committed(std::size_t log_pages);
  /// Makes checkpoints until the end.
  void run();
  void end();

private:
  rpc::result<std::size_t> copy();

  const std::string path_;
  const std::size_t log_pages_max_;
  const std::shared_ptr<metrics::registry> figures_;
  metrics::histogram duration_;
  metrics::counter failures_;
  metrics::counter waits_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_due_ = false;
  bool fails_ = false;  ///< the latest one did
  bool ends_ = false;
  std::uint64_t begun_ = 0;
  std::uint64_t finished_ = 0;
  std::size_t copied_pages_ = 0;  ///< of the log, by the latest

  std::optional<database> rooms_;  ///< the thread's own
};

}  // namespace switchboard::rooms::sqlite
