#pragma once

/// A reader's place in a room: history from the log, then what is live from the tail.
///
/// Why        a subscriber is a place, not a queue. The connection pulls what it has credit and room for; a reader that
///            does not advance costs the room nothing and, but for the chunk of the tail that it is in, no memory: of the
///            log it reads as many entries as it has credit for, and releases those that it has no room for. One that
///            lags further than the tail reaches reads on in the log, and what the log has trimmed is named in a gap.
/// Order      presence kept from before the start's place on; a gap for what retention and one for what the history
///            limit has cut off; the history; CaughtUp; then everything live, in the room's order.
/// Threads    constructor, notify and end: the room. attach, next, ended and result: the connection. A page may arrive on
///            any.
/// Owns       a share of the room's feed.
/// Errors     a log that fails to read ends the stream with its status, and `failed` is called.

#include <cstdint>
#include <functional>
#include <memory>

#include <switchboard/rooms/page_reader.hpp>
#include <switchboard/rooms/presence_reader.hpp>
#include <switchboard/rooms/room_feed.hpp>
#include <switchboard/rooms/woken_source.hpp>

namespace switchboard::rooms {

class cursor : public woken_source, public std::enable_shared_from_this<cursor> {
public:
  struct start {
    std::uint64_t after_sequence = 0;
    std::uint32_t history_limit = 0;  ///< 0: no limit; with after_sequence 0 too: no history
    std::uint64_t membership = 0;     ///< whose membership events this reader does not get; 0: it gets all
    std::uint64_t reader = 0;         ///< whose turn its pages take (page_request)
    /// Messages that its stream was granted at the start. The default: it is not known.
    std::uint64_t credit = page_reader::credit_unknown;

    bool is_live() const noexcept { return after_sequence == 0 && history_limit == 0; }
  };

  /// Payloads above this are handed over by reference.
  static constexpr std::size_t shared_above_bytes = 1024;

  /// @pre called by the room, with its feed at rest: the history ends where the feed stands now.
  cursor(std::shared_ptr<room_feed> feed, const start& from, std::function<void()> failed = {});

  outcome next(rpc::payload& out) override;
  /// Asked when nothing can be drawn for now. What the log can give again is released.
  bool ended() override;
  void granted(std::uint32_t more, caf::execution_unit*) override;
  rpc::status result() const override;

private:
  enum class stage : unsigned char {
    history,  ///< reads the log, up to where the room stood at the start
    lagging,  ///< reads the log, until the tail holds what comes next
    live,     ///< reads the tail
    failed,
  };

  /// What comes before the live messages.
  struct history {
    history(const room_feed& of, const start& from);

    const std::uint64_t end;             ///< its last message; CaughtUp comes when this is passed
    const std::uint64_t events_end;      ///< number of the first membership event that is not part of it
    std::uint64_t retention_gap_to = 0;  ///< 0: none is due
    std::uint64_t limit_gap_to = 0;
  };

  outcome next_live(rpc::payload& out);
  outcome next_from_log(rpc::payload& out);
  void ask_for_page();
  outcome await_page();
  bool check_page(log_page& page);
  bool enter_tail();
  void leave_tail();
  /// Number of the first membership event that is not the stage's to give.
  std::uint64_t events_end() const noexcept;
  outcome give_gap(rpc::payload& out, std::uint64_t to, gap_reason why);
  outcome give_made(rpc::payload& out, wire::shared_bytes made);
  outcome fail(rpc::status why);
  outcome give(rpc::payload& out, const wire::shared_bytes& bytes);

  const std::shared_ptr<room_feed> feed_;
  history history_;

  // Where the reader stands.
  std::uint64_t expected_;  ///< the next message's sequence
  presence_reader events_;
  stage stage_ = stage::history;

  // In the tail.
  tail::place place_;
  struct {
    std::uint64_t head = 0;      ///< as it was then; what is before it may be read
    std::uint64_t position = 0;  ///< where the reader stood
    std::uint64_t event = 0;     ///< the number of the first one that was still to be given
  } looked_at_;                  ///< when the reader looked for more last

  // In the log.
  bool log_first_ = false;  ///< the tail is known to lack what comes next
  page_reader pages_;
  wire::shared_bytes made_;  ///< the latest gap or CaughtUp, while the connection may look at it

  rpc::status failure_;
  const std::function<void()> failed_;
};

}  // namespace switchboard::rooms
