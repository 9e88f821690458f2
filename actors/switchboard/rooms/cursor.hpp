#pragma once

/// A reader's place in a room: history from the log, then what is live from the tail.
///
/// Why        a subscriber is a place, not a queue. The connection pulls what it has credit and room for; a reader that
///            stands still costs the room nothing and, but for the chunk or page it stands in, no memory. One that
///            falls behind the tail reads on in the log, and what the log has trimmed is named in a gap.
/// Order      presence kept from before the start's place on; a gap for what retention and one for what the history
///            limit has cut off; the history; CaughtUp; then everything live, in the room's order.
/// Wakes      a flag says whether the reader still owes a look. The room publishes, then sets it, and wakes the reader
///            if it was clear; the reader clears it, and only then looks at the head. Both are read-modify-writes of
///            the one flag, so one of the two always sees the other: no wake is lost, and a reader that does not come
///            costs no second one.
/// Threads    constructor, poke and end: the room. attach, next, ended and result: the connection. A page may arrive on
///            any.
/// Owns       a share of the room's feed.
/// Errors     a log that fails to read ends the stream with its status, and `failed` is called.

#include <atomic>
#include <functional>
#include <memory>

#include <switchboard/rooms/room_feed.hpp>
#include <switchboard/rpc/source.hpp>

namespace switchboard {

class cursor : public rpc::source, public std::enable_shared_from_this<cursor> {
public:
  struct start {
    std::uint64_t after_sequence = 0;
    std::uint32_t history_limit = 0;  ///< 0: no limit; with after_sequence 0 too: no history
    std::uint64_t membership = 0;     ///< whose presence changes this reader does not get; 0: nobody's
    std::uint64_t reader = 0;         ///< whose turn its pages take (page_request)
  };

  /// Payloads above this are handed over by reference.
  static constexpr std::size_t shared_above_bytes = 1024;

  /// @pre called by the room, with its feed at rest: the history ends where the feed stands now.
  cursor(std::shared_ptr<room_feed> feed, const start& from, std::function<void()> failed = {});

  /// Presence changes held at once: what a reader that stands still costs besides its page.
  static constexpr std::size_t changes_held_max = 16;

  // The room's side.

  /// The feed has something new; @pre it is published.
  void poke(caf::execution_unit* context) {
    if (!look_owed_.exchange(true, std::memory_order_seq_cst)) wake(context);
  }
  /// Ends the stream now, whatever it has not read.
  void end(rpc::status why, caf::execution_unit* context);

  // The connection's side.

  void attach(rpc::waker connection) override;
  outcome next(rpc::payload& out) override;
  bool ended() override { return ended_by_room_.load(std::memory_order_seq_cst) || stage_ == stage::failed; }
  rpc::status result() const override;

private:
  enum class stage : unsigned char {
    history,  ///< reads the log, up to where the room stood at the start
    lagging,  ///< reads the log, until the tail holds what comes next
    live,     ///< reads the tail
    failed,
  };

  virtual void wake(caf::execution_unit* context) { waker_.wake(context); }

  outcome next_live(rpc::payload& out);
  outcome next_from_log(rpc::payload& out);
  outcome await_page();
  void request_page();
  bool take_page();
  bool enter_tail();
  void leave_tail();
  bool fetch_changes(std::uint64_t before_sequence);
  bool give_change(rpc::payload& out, std::uint64_t before_sequence);
  outcome give_gap(rpc::payload& out, std::uint64_t to, gap_reason why);
  outcome give_made(rpc::payload& out, wire::shared_bytes made);
  outcome fail(rpc::status why);
  outcome give(rpc::payload& out, const wire::shared_bytes& bytes) const;

  const std::shared_ptr<room_feed> feed_;
  const start from_;

  // Where the reader stands.
  std::uint64_t expected_ = 1;     ///< the next message's sequence
  std::uint64_t next_change_ = 1;  ///< the next presence change's number
  stage stage_ = stage::history;

  // In the tail.
  std::uint32_t index_ = 0;
  std::uint64_t position_ = 0;
  std::uint64_t known_head_ = 0;
  std::shared_ptr<const tail::chunk> chunk_;

  // In the log.
  std::uint64_t history_end_;           ///< CaughtUp comes when this is passed
  std::uint64_t changes_at_start_;      ///< number of the first change that is not history
  std::uint64_t retention_gap_to_ = 0;  ///< 0: none is due
  std::uint64_t limit_gap_to_ = 0;
  bool page_requested_ = false;
  bool log_first_ = false;  ///< the tail is known to lack what comes next
  std::size_t page_index_ = 0;
  log_page page_;
  std::size_t change_index_ = 0;
  bool more_changes_ = false;         ///< behind those in changes_
  std::uint64_t changes_before_ = 0;  ///< the message before which they are placed
  std::vector<presence_change> changes_;
  wire::shared_bytes made_;  ///< the latest gap or CaughtUp, while the connection may look at it

  // A page on its way: who comes second, the log or the reader that asked, sees that the other was there.
  std::atomic<bool> page_met_{false};
  std::atomic<bool> page_arrived_{false};
  log_page arriving_;

  // What the two sides share.
  std::atomic<bool> look_owed_{true};  ///< the connection looks unasked the first time
  std::atomic<bool> ended_by_room_{false};
  std::atomic<bool> attached_{false};
  rpc::waker waker_;
  rpc::status end_status_;
  rpc::status failure_;
  const std::function<void()> failed_;
};

}  // namespace switchboard
