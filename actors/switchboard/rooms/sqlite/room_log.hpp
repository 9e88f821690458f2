#pragma once

/// One room's log in the database, as rooms and readers see it.
///
/// Threads    any, as log says; the members marked so are the journal's alone.
/// Owns       what is known of the room without asking the database.

#include <mutex>
#include <string>

#include <switchboard/rooms/log.hpp>

namespace switchboard::rooms::sqlite {

class history;
class journal;

/// What is answered once the store has ended.
rpc::status log_is_closed();

/// What the database has of a room.
struct room_row {
  std::uint64_t number = 0;  ///< rooms.id; 0: not stored yet
  std::string log_id;
  std::uint64_t first = 1;
  std::uint64_t last = 0;
  std::uint64_t bytes = 0;  ///< of the encoded entries

  std::uint64_t count() const noexcept { return last + 1 - first; }
  friend bool operator==(const room_row&, const room_row&) = default;
};

/// What a room has in the journal's queue (append_queue.hpp).
struct append_share {
  std::size_t appends = 0;
  std::size_t records = 0;
  std::size_t bytes = 0;
  std::uint64_t finish = 0;  ///< finish tag of its last append, also when nothing waits any more
  std::uint64_t place =
      0;  ///< of the last append that waits, in the queue: its finish tag, and what reads ids before it
};

class room_log final : public log, public std::enable_shared_from_this<room_log> {
public:
  room_log(std::string room, room_row stored, const log_store::encoder& encode, std::weak_ptr<journal> writer,
           std::weak_ptr<history> reader);

  void append(std::vector<record> records, std::function<void(std::vector<append_result>)> done) override;
  void read(page_request wanted, std::function<void(log_page)> done) override;
  log_extent extent() const override;
  rpc::status condition() const override;
  void watch(growth_callback grown) override { watch_.set(std::move(grown)); }

  const std::string& room() const noexcept { return room_; }
  wire::shared_bytes encode(std::uint64_t sequence, const std::string& body) const {
    return encode_(room_, sequence, body);
  }
  /// It has lost what it had: from now on condition() says so, nothing is appended to it, and nothing is trimmed of it.
  void found_damaged(const std::string& how);
  /// Its number in the database, and where it stands; 0 where it is not stored yet.
  std::uint64_t number() const;

  // The journal's alone.

  /// What is committed shows from now on.
  void show(const room_row& committed);
  const room_row& committed() const noexcept { return row_; }
  bool is_known = false;  ///< to the journal
  bool is_due = false;    ///< waits for the journal to trim it
  append_share queued;    ///< with the lock of the journal's queue held

private:
  const std::string room_;
  const log_store::encoder encode_;
  const std::weak_ptr<journal> writer_;
  const std::weak_ptr<history> reader_;
  growth_watch watch_;

  mutable std::mutex mutex_;
  room_row row_;  ///< written by the journal, with the lock held
  rpc::status condition_;
};

}  // namespace switchboard::rooms::sqlite
