#pragma once

/// Appends that wait for the journal's next transaction.
///
/// Why        a disk that is slow, or stands still, must not make what waits for it take all memory: what is above a limit is
///            refused.
/// Limits     records_max and bytes_max; one append always fits where nothing waits. What the journal has taken counts on the
///            server's ledger until it is answered, and no longer here.
/// Threads    one at a time: its owner's lock is held.
/// Owns       what waits, and an account of the ledger.

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include <switchboard/budget/account.hpp>
#include <switchboard/rooms/log.hpp>
#include <switchboard/rooms/sqlite/journal_metrics.hpp>

namespace switchboard::rooms::sqlite {

class room_log;

struct append_request {
  std::shared_ptr<room_log> to;
  std::vector<record> records;
  std::function<void(std::vector<append_result>)> done;
  std::size_t bytes = 0;  ///< that the records take, once it is in the queue
};

class append_queue {
public:
  static constexpr std::size_t records_max = 65'536;
  static constexpr std::size_t bytes_max = std::size_t{32} << 20;

  /// @param figures  lives longer
  /// @param memory   null: nothing is counted
  append_queue(const journal_metrics& figures, std::shared_ptr<budget::ledger> memory);

  /// OK, and it is taken over; or which limit it would pass.
  rpc::status push(append_request& wanted);
  bool empty() const noexcept { return waiting_.empty(); }
  /// @pre it is not empty
  const append_request& front() const noexcept { return waiting_.front(); }
  append_request pop();
  /// Of what was popped so many bytes are answered.
  void release(std::size_t bytes) noexcept;

private:
  const journal_metrics& figures_;
  std::deque<append_request> waiting_;
  std::size_t records_ = 0;
  std::size_t bytes_ = 0;
  std::optional<budget::account> account_;
};

}  // namespace switchboard::rooms::sqlite
