#pragma once

/// A room: an actor in front of a log. It says who is in it, puts messages and presence in one order, and wakes
/// readers.
///
/// Why        what is published goes to the log and the tail once; members read it there, each at its own pace
///            (cursor.hpp). Publishes that wait in the mailbox together are appended together, and each reader is woken
///            at most once for them.
/// Order      a publish takes effect as: appended, in the tail, readers woken, answered; of thousands some are woken in turns
///            that follow (subscribers.hpp). Presence changes keep their
///            place between publishes, also while a log still writes: a member's joined comes before its first message,
///            its left after its last.
/// Threads    an actor; its messages, each handed to one room only:
///
///     message              from        effect
///     room_publish         service     appends what a member says
///     room_join            service     the call becomes a stream of the room, its caller perhaps a member
///     room_members         any actor   a request, answered with a members_page
///     rpc::call_ended      connection  that stream is over; its member leaves
///     exit                 any actor   streams and calls end with UNAVAILABLE, there are no members; the log stays
///
/// Form       a roster says who is a member, a sequencer puts appends and membership events into one order, subscribers
///            are the streams; the actor has them work together.
/// Owns       these, and a share of the feed.
/// Errors     to the caller: FAILED_PRECONDITION (publish by no member), OUT_OF_RANGE and ALREADY_EXISTS (join), what
///            the log says (publish). A room that fails ends as by an exit message; the service that monitors it starts another in
///            front of the log.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <caf/actor.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/fwd.hpp>

#include <switchboard/pump/notification_pump.hpp>
#include <switchboard/rooms/room_codec.hpp>
#include <switchboard/rooms/room_feed.hpp>
#include <switchboard/rpc/call.hpp>
#include <switchboard/rpc/only_moved.hpp>

namespace switchboard::rooms {

/// A call that a room holds: destroyed unanswered, in any mailbox, it answers that the room has ended.
class room_call : public rpc::call_handle {
public:
  room_call() = default;
  explicit room_call(rpc::call_handle call) : rpc::call_handle(std::move(call)) {}
  room_call(room_call&&) noexcept = default;
  room_call& operator=(room_call&&) noexcept = default;
  ~room_call() {
    if (*this) fail(rpc::code::unavailable, "the room ended");
  }
};

struct room_publish {
  room_call call;
  std::string content;    ///< for room_codec::body
  std::string client_id;  ///< not empty: published once only within the log's window
};

struct room_join {
  room_call call;
  std::string nickname;  ///< empty: an observer
  std::string resume_token;
  std::string log_id;
  std::uint64_t after_sequence = 0;
  std::uint32_t history_limit = 0;
};

/// Members by name, in bytewise order, after `after`.
struct room_members {
  std::string after;
  std::size_t limit = 0;
};
struct members_page {
  std::vector<std::string> names;
  bool more = false;  ///< there are others after them
};

using room_publish_message = rpc::only_moved<room_publish>;
using room_join_message = rpc::only_moved<room_join>;

/// What a room shows on any thread of how it is used.
struct room_occupancy {
  static constexpr std::uint64_t in_use = ~std::uint64_t{0};

  std::atomic<std::uint32_t> members{0};
  /// How many joins and publishes the room had had when it was last without a stream and without anything to do; in_use
  /// while that is not so. Equal to the number that it was sent, the room may be ended, and nothing is lost by it.
  std::atomic<std::uint64_t> unused_after{0};
};

/// A room as others see it.
struct room_handle {
  caf::actor actor;
  std::shared_ptr<const room_occupancy> occupancy;
};

/// Why a publish is refused of a caller that has not joined the room with this log; null where there is no such room.
rpc::status refusal_of_others(const log* messages);

/// Starts a room in front of `messages`, spawned by `parent`; it counts in `figures`. `clock`: for what depends on time, null
/// where nothing is to.
room_handle spawn_room(caf::local_actor& parent, std::string name, std::shared_ptr<const room_codec> codec,
                       std::shared_ptr<log> messages, const room_limits& limits = {},
                       room_metrics figures = room_metrics{}, std::shared_ptr<notification_pump> clock = nullptr);

}  // namespace switchboard::rooms

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::rooms::room_publish_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::rooms::room_join_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::rooms::room_members)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::rooms::members_page)
