#pragma once

/// Appends that wait for the journal's next transaction, in fair order.
///
/// Why        a disk that is slow, or stands still, must not make what waits for it take all memory; and what one room has
///            waiting must delay and refuse no other room.
/// Order      fair queueing of rooms (Demers, Keshav, Shenker: Analysis and simulation of a fair queueing algorithm, 1989). An
///            append's finish tag is its start tag and its cost in bytes; its start tag is the finish tag of the room's
///            append before it, or the virtual time where that is later. The lowest finish tag is next, and the virtual time
///            is the highest start tag of what was popped (Goyal, Vin, Cheng: Start-time fair queueing, 1996).
///            So one room's appends keep their order; a small append to a quiet room is before what others have waiting
///            beyond its size; rooms with much waiting get as many bytes each; and none waits for ever.
/// Limits     records_max, and bytes_max or a quarter of the server's memory where that is less. A room may have as much waiting
///            as is still free (Choudhury, Hahne: Dynamic queue length thresholds, 1998): one alone takes half, k rooms leave
///            1/(k+1) for another. An append of any size fits where nothing waits. What the journal has taken counts on the
///            server's ledger until it is answered, and no longer here.
/// Cost       of push and pop: the logarithm of the appends that wait.
/// Threads    one at a time: its owner's lock is held.
/// Owns       what waits, and an account of the ledger.

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
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
  std::size_t ids_to_read = 0;  ///< at most, of the room, from the database first; 0 where they are known
  std::size_t bytes = 0;        ///< that it takes, once it is in the queue
};

class append_queue {
public:
  static constexpr std::size_t records_max = 65'536;
  static constexpr std::size_t bytes_max = std::size_t{32} << 20;
  /// What reading an id costs, in bytes that are written in the same time: ten thousand take 3 ms to read.
  static constexpr std::uint64_t reading_cost = 26;

  /// @param figures  lives longer
  /// @param memory   null: nothing is counted
  append_queue(const journal_metrics& figures, std::shared_ptr<budget::ledger> memory);

  /// OK, and it is taken over; or which limit it would pass.
  rpc::status push(append_request& wanted);
  bool empty() const noexcept { return waiting_.empty(); }
  /// @pre it is not empty
  const append_request& front() const noexcept { return waiting_.begin()->second.request; }
  append_request pop();
  /// Of what was popped so many bytes are answered.
  void release(std::size_t bytes) noexcept;

private:
  /// Where an append is in the order; arrivals are numbered.
  struct place {
    std::uint64_t finish = 0;
    std::uint64_t number = 0;
    friend auto operator<=>(const place&, const place&) = default;
  };
  struct entry {
    append_request request;
    std::uint64_t start = 0;
  };

  const journal_metrics& figures_;
  const std::size_t bytes_limit_;
  std::map<place, entry> waiting_;
  std::uint64_t virtual_time_ = 0;
  std::uint64_t arrivals_ = 0;
  std::size_t records_ = 0;
  std::size_t bytes_ = 0;
  std::optional<budget::account> account_;
};

}  // namespace switchboard::rooms::sqlite
