#pragma once

/// The log of one room: messages in the order of their sequences, 1, 2, 3, … without gaps.
///
/// Why        a room is an actor in front of a log; the log outlives it. In memory (memory_log.hpp) and on disk
///            (sqlite_store.hpp); the interface also fits a log in another process that several brokers share: it is
///            asynchronous and batched, the log assigns the sequences, readers are notified of growth, and nothing here
///            assumes that one process alone appends.
/// Threads    any; `done` is called once, on any thread, possibly before the call returns.
/// Owns       the entries. Their bytes are shared with the connections that send them.
/// Errors     in each record's result: unavailable (could not be stored), resource_exhausted (space ran out), data_loss
///            (condition()). A failed record leaves no gap.

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <switchboard/rpc/status.hpp>
#include <switchboard/wire/shared_bytes.hpp>

namespace switchboard::rooms {

/// How safe an appended message is (chat.v1.PublishReply.Durability).
enum class durability : unsigned char { unspecified = 0, memory = 1, written = 2, fsynced = 3, replicated = 4 };

/// A message that waits for its sequence.
struct record {
  std::string body;        ///< opaque to the log; with its sequence it becomes the entry's bytes (log_store's encoder)
  std::string dedupe_key;  ///< empty: never a duplicate
};

struct append_result {
  rpc::status status{};
  std::uint64_t sequence = 0;
  bool duplicate = false;
  durability safety = durability::unspecified;
  wire::shared_bytes bytes{};  ///< of the entry, encoded once; empty for a duplicate
};

struct log_entry {
  std::uint64_t sequence = 0;
  wire::shared_bytes bytes;
};

/// 16 random bytes in hexadecimal.
std::string new_log_id();

/// Where a log stands.
struct log_extent {
  std::string id;           ///< names this log; new whenever its sequences start over
  std::uint64_t first = 1;  ///< the oldest sequence kept; last + 1 when none is
  std::uint64_t last = 0;
};

/// Which entries to read.
struct page_request {
  std::uint64_t after = 0;  ///< a sequence
  std::size_t limit = 0;    ///< entries at most
  std::size_t bytes = 0;    ///< about as many at most, but one entry where there is one
  /// Whose turn it takes: where pages have to wait, those with different numbers are read in turn. A connection's, say.
  std::uint64_t reader = 0;
  /// Asked on any thread before the page is read; where it says no, `done` gets CANCELLED. Empty: it is wanted.
  std::function<bool()> still_wanted{};
};

/// Consecutive entries: from the oldest kept one after the place asked for.
struct log_page {
  rpc::status status{};
  std::vector<log_entry> entries;
  log_extent extent;  ///< when the page was read
};

/// What a log calls when it has grown. It belongs to who watches: an owner that ends takes away its own watch, and not the
/// one that has replaced it.
using growth_callback = std::weak_ptr<const std::function<void()>>;

class log {
public:
  virtual ~log() = default;

  virtual void append(std::vector<record> records, std::function<void(std::vector<append_result>)> done) = 0;
  virtual void read(page_request wanted, std::function<void(log_page)> done) = 0;
  /// What is known without asking anybody; appends of others may be missing.
  virtual log_extent extent() const = 0;
  /// DATA_LOSS once messages that it had were found damaged or missing: it is not appended to any more.
  virtual rpc::status condition() const { return {}; }
  /// `grown` is called, on any thread, each time that extent() has come to a higher last sequence, and before the
  /// append is `done` that did it, for as long as its owner keeps it; it replaces the one before. So a room learns of
  /// messages that others have appended, or it itself before it was started anew.
  virtual void watch(growth_callback grown) = 0;
};

/// The callback of a log.
/// Threads    any. One that was replaced, or that its owner has released, may be called once more.
class growth_watch {
public:
  void set(growth_callback grown);
  void tell() const;

private:
  mutable std::mutex mutex_;
  growth_callback grown_;
};

/// Where logs live; gives each room its log. Which rooms there are is known without asking anybody.
class log_store {
public:
  /// The bytes of an entry from its sequence and its record's body.
  using encoder =
      std::function<wire::shared_bytes(const std::string& room, std::uint64_t sequence, const std::string& body)>;

  virtual ~log_store() = default;
  /// The log of `room`, made where there is none.
  virtual std::shared_ptr<log> open(const std::string& room) = 0;
  /// Says that nothing is appended to the log of `room` until it is opened or found again. One without any message is
  /// forgotten; of another, what can be read again where it is kept need not stay in memory.
  virtual void close(const std::string& room) = 0;
  /// The log of `room`, or nullptr.
  virtual std::shared_ptr<log> find(const std::string& room) const = 0;
  /// Names of the rooms with a log, bytewise ascending, after `after`, at most `limit`.
  virtual std::vector<std::string> rooms(const std::string& after, std::size_t limit) const = 0;
  virtual std::size_t size() const = 0;
};

}  // namespace switchboard::rooms
