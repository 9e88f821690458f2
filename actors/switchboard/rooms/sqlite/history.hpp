#pragma once

/// Reads pages of rooms' logs, on a thread and a connection of its own.
///
/// Why        a reader of old messages must hold up neither the writer nor a worker. Each page is a transaction of its own, so
///            that checkpoints of the write-ahead log are not kept from finishing. The connection is there from the
///            start and stays: opening one may take space that a full disk has not.
/// Order      readers take turns, a page each; a page that is no longer wanted is not read.
/// Threads    read, end: any. The rest runs on the one that its owner gives to run(). A room's log that calls in shares it
///            for that moment, and may be the last to release it: so it joins no thread.
/// Owns       its connection, and the requests that wait: each cursor and query has one at a time.
/// Errors     in the page's status: unavailable, also of what still waits at the end; data_loss where a message is not
///            as it was written, or not there, also of every later page of that room; cancelled where the page was not wanted any more.

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <switchboard/rooms/fair_queue.hpp>
#include <switchboard/rooms/sqlite/database.hpp>
#include <switchboard/rooms/sqlite/room_log.hpp>

namespace switchboard::rooms::sqlite {

/// Opens a database of rooms that is there.
rpc::result<database> open_for_reading(const std::string& path);

struct read_request {
  std::shared_ptr<room_log> of;
  page_request page;
  std::function<void(log_page)> done;
};

class history {
public:
  history(std::string path, database rooms);
  ~history();
  history(const history&) = delete;
  history& operator=(const history&) = delete;

  void read(read_request wanted);
  /// Answers reads until the end.
  void run();
  /// Reads no more.
  void end();

private:
  struct statements;

  log_page answer_to(const read_request& wanted, bool ended);
  log_page page_for(const read_request& wanted);
  rpc::status read_in_transaction(const read_request& wanted, std::uint64_t number, log_page& page);
  rpc::status prepare();
  void forget_connection();

  const std::string path_;

  std::mutex mutex_;
  std::condition_variable work_came_;
  fair_queue<read_request> waiting_;
  bool ends_ = false;

  // The thread's own.
  std::optional<database> rooms_;
  std::unique_ptr<statements> statements_;
};

}  // namespace switchboard::rooms::sqlite
