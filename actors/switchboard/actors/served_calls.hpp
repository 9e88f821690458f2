#pragma once

/// The calls of one client: from their opening frames to services, and from what services answer to frames.
///
/// Why        a connection is these and a link. Each call's life is rpc/call_state.hpp's table; what follows from its
///            events (which watcher is notified, what is given back) is here, once, in end().
/// Way        open → admission, room (call_starter.hpp) → the service's batch; answers → the link's reply lane; a stream's
///            source → as credit and marks allow → its stream lane.
/// Threads    the connection's.
/// Owns       the calls: their deadlines, the streams' ends, the bytes of requests that are charged to the client.
/// Errors     a client's mistakes end its calls with a status.
/// References to open_call are invalid after what ends the call.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/event_based_actor.hpp>

#include <switchboard/actors/call_starter.hpp>
#include <switchboard/actors/call_table.hpp>
#include <switchboard/actors/call_writer.hpp>
#include <switchboard/actors/client_session.hpp>
#include <switchboard/actors/connection_environment.hpp>
#include <switchboard/rpc/call_batch.hpp>

namespace switchboard::actors {

class served_calls {
public:
  /// All of them live longer.
  served_calls(caf::event_based_actor& connection, const connection_environment& environment, link::frame_link& over,
               client_session& session);

  /// Opens a call. A sentence where the frame breaks the protocol, else null.
  const char* open(const wire::frame_view& frame);
  /// Any other frame of a call.
  void on_frame(const wire::frame_view& frame);
  /// What services did with their calls. `live`: whether the client can still be answered.
  void on_answers(rpc::answers& answers, bool live);
  void on_deadline(std::uint64_t number);
  /// Takes what a stream has, as credit and the marks allow.
  void draw(std::uint64_t number);
  /// Has the streams drawn that had to wait for room in the output.
  void resume_streams();
  /// Runs the calls that waited and have room now; when output may have left, and calls ended.
  void run_waiting() {
    if (starter_.any_waiting()) run_those_waiting();
  }

  /// Ends calls for the client without a frame: it has cancelled them, or is gone. From now on none of them is answered. Services
  /// learn of ended_at_once of them; where there are more, cancel_calls is to come.
  void cancel(call_table::which those);
  /// Ends ended_at_once of the calls after `after` with UNAVAILABLE, as the server stops. Streams that outlast a drain go on if
  /// it is streams that end. False where there are more: stop_calls is to come.
  bool stop(call_table::which those, std::uint64_t after = 0);

  /// Whether services have less than they may of the client's requests, those of calls that wait included, and of its calls that
  /// have ended.
  bool accept_more() const noexcept;
  /// For those that count them.
  const call_table& table() const noexcept { return calls_; }

private:
  // Why the call is not run; nothing where it is.
  std::optional<rpc::status> answer_built_in(const method_entry& entry, const wire::frame_view& frame);
  void run_those_waiting();
  bool take_request(open_call& call, const wire::frame_view& frame);
  void take_watch(rpc::answers::watch& watch, bool live);
  void take_stream(rpc::answers::stream& stream);
  void take_ends(rpc::answers& answers);
  rpc::metadata trailing_of(const open_call& call, rpc::code how, rpc::metadata of_service);
  void end_with_frame(open_call& call, rpc::code how, std::string_view text, rpc::metadata trailing = {});
  void end(open_call& call, rpc::call_event by, rpc::code how, std::string_view text);
  void on_ended(open_call& call, rpc::code how, std::string_view text);

  caf::event_based_actor& connection_;
  const connection_environment& environment_;
  link::frame_link& link_;
  client_session& session_;
  call_table calls_;
  call_starter starter_;
  call_writer writer_;
  std::vector<std::uint64_t> stalled_;  ///< streams that wait until output goes on
};

/// From the calls to their connection: it is to go on with cancel(those).
struct cancel_calls {
  call_table::which those;
};
/// The same with stop(those, after).
struct stop_calls {
  call_table::which those;
  std::uint64_t after;
};
/// How many calls are ended in one turn: a fraction of a millisecond's work.
inline constexpr std::size_t ended_at_once = 512;

}  // namespace switchboard::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::actors::cancel_calls)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::actors::stop_calls)
