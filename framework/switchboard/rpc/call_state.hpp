#pragma once

/// What a call may do next: one state machine for all four kinds of methods and for both sides of a connection.
///
/// Why        a server and each of its clients have to agree on every frame that is still in flight when a call ends.
///            They agree because they run the same table: the sender of a message, an end or a status applies the event
///            before it sends the frame, the receiver applies it when the frame arrives.
/// Threads    a value; one at a time.
/// Owns       nothing: 12 bytes, whatever a call carries is its owner's.
/// Errors     none: an event that a state does not expect is ignored, or beyond the credit; see the table.
///
/// Drawn as RFC 9113, section 5.1, draws a stream. A client's call goes down the left side. A server's starts on the
/// right, where its service has it, and crosses over when the service releases it:
///
///                               +------+
///                +--------------| idle |---------------+
///           open |              +------+               | accept
///                v                                     v
///            +------+            release          +---------+
///      +-----| open |<----------------------------| pending |------------+
///      |     +------+                             +---------+            |
///      |         | requests_end                        | requests_end    |
///      |         v                                     v                 |
///      |  +--------------------+    release    +---------------------+   |
///      |  | half_closed_client |<--------------| pending_half_closed |   |
///      |  +--------------------+               +---------------------+   |
///      | replies_end |                              | status             | status
///      v             |                              v                    |
///   +--------------------+                       +------+                |
///   | half_closed_server |                       | held |<---------------+
///   +--------------------+                       +------+
///      | requests_end|                              | release
///      v             v replies_end                  v
///   +-------------------------------------------------------+
///   |                        closed                         |<--- status, from any state of the left side
///   +-------------------------------------------------------+
///
/// The request of a unary or server-streaming call is complete with its opening frame: `open` and `accept` then lead to
/// the half-closed state below the one drawn. "held" is a call that has ended for the client, while its service still
/// has it: it counts as open until the service releases it, else a client could run any number of calls by cancelling.
///
/// The next state; where the table has none, the state stays and the event is ignored:
///
///     state                open    accept   requests_end         replies_end          status   release
///     idle                 open    pending                                            closed
///     pending                               pending_half_closed  half_closed_server   held     open
///     pending_half_closed                                        closed               held     half_closed_client
///     open                                  half_closed_client   half_closed_server   closed
///     half_closed_client                                         closed               closed
///     half_closed_server                    closed                                    closed
///     held                                                                                     closed
///     closed
///
/// So a side's repeated end is ignored, a second `release` too (a service may answer twice; the first answer counts),
/// and so is whatever comes for a call that has ended: it may have been in flight.
///
/// Credit     counts messages, in each direction. A message takes one; with none left it is beyond the credit. An end
///            gives back what is left, so that a message after it is beyond the credit as well. A direction that is
///            no stream grants none: a reply takes the one credit that every such call begins with, a request comes
///            with the opening frame and takes none. Outstanding credit stops at 2^32 - 1.

#include <cstddef>
#include <cstdint>

#include <switchboard/rpc/method_kind.hpp>

namespace switchboard::rpc {

enum class call_state : unsigned char {
  idle,                 ///< its opening frame is neither sent nor taken
  pending,              ///< both sides may send; its service has yet to answer, or to start the stream of replies
  pending_half_closed,  ///< the same; the client has ended
  open,                 ///< both sides may send
  half_closed_client,   ///< the client has ended
  half_closed_server,   ///< the server has answered in full; further requests are not read
  held,                 ///< ended for the client, while its service still has it
  closed,
};
inline constexpr std::size_t call_states = 8;

enum class call_event : unsigned char {
  open,          ///< a client sends the opening frame
  accept,        ///< a server hands the call to its service
  requests_end,  ///< the client's `end`
  replies_end,   ///< the server's `end`: the call has succeeded. The service releases a call that it ends so
  status,        ///< from the server the call's result, from the client a cancel; a deadline that passes is one too
  release,       ///< the service has answered, failed, or handed over its stream of replies
  request,       ///< a message of a stream of requests
  reply,         ///< a message to the client
};
inline constexpr std::size_t call_events = 8;

/// What follows from an event.
enum class call_effect : unsigned char {
  ignored,        ///< nothing: not sent, not delivered
  taken,          ///< it counts: send it, deliver it
  ended,          ///< the same, and the call has ended for both sides; its service may have to be notified
  beyond_credit,  ///< a sender waits for credit; a receiver ends the call with RESOURCE_EXHAUSTED
};

class call_machine {
public:
  static constexpr std::uint32_t credit_max = ~std::uint32_t{0};

  explicit call_machine(method_kind kind) noexcept : kind_(kind), reply_credit_(streams_replies(kind) ? 0 : 1) {}

  call_effect apply(call_event what) noexcept {
    return what == call_event::reply ? take_message(reply_credit_) : apply_any(what);
  }

  /// The server takes that many more requests, the client that many more replies: how many of them count. Those that
  /// a client grants before it opens the call go with the opening frame.
  std::uint32_t grant_requests(std::uint32_t messages) noexcept;
  std::uint32_t grant_replies(std::uint32_t messages) noexcept;

  call_state state() const noexcept { return state_; }
  method_kind kind() const noexcept { return kind_; }
  std::uint32_t request_credit() const noexcept { return request_credit_; }
  std::uint32_t reply_credit() const noexcept { return reply_credit_; }

  /// Whether the client may still end its requests.
  bool requests_open() const noexcept { return requests_read() || state_ == call_state::half_closed_server; }
  /// Whether further requests are read.
  bool requests_read() const noexcept { return state_ == call_state::pending || state_ == call_state::open; }
  /// Whether the server has yet to end: an answer of its service counts.
  bool replies_open() const noexcept {
    return state_ >= call_state::pending && state_ <= call_state::half_closed_client;
  }
  /// Whether the service has the call.
  bool in_service() const noexcept {
    return state_ == call_state::pending || state_ == call_state::pending_half_closed || state_ == call_state::held;
  }
  /// Whether the call has ended for both sides.
  bool ended() const noexcept { return state_ >= call_state::held; }
  bool held() const noexcept { return state_ == call_state::held; }
  /// Ended for both sides, and released by the service.
  bool closed() const noexcept { return state_ == call_state::closed; }

private:
  call_effect apply_any(call_event what) noexcept;
  call_effect take_message(std::uint32_t& credit) noexcept {
    if (state_ == call_state::idle || ended()) return call_effect::ignored;
    if (credit == 0) return call_effect::beyond_credit;
    --credit;
    return call_effect::taken;
  }

  call_state state_ = call_state::idle;
  method_kind kind_;
  std::uint32_t request_credit_ = 0;
  std::uint32_t reply_credit_;
};
static_assert(sizeof(call_machine) <= 12);

}  // namespace switchboard::rpc
