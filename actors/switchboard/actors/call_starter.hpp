#pragma once

/// Opens the calls of one client, and has each run when the client's allowance has room for it.
///
/// Way        admission → the table of calls → the batch of the call's service, or a wait for room.
/// Allowance  limits::connection_memory_max: what is queued for the client, its requests that services hold, and the most that
///            their answers take (rpc/service.hpp, "Answers"), reserved before a call runs. A call without room waits, and
///            those after it, so that services get them in order; frames of a call that waits are handled like those of one
///            that runs. Requests that wait are not in it,
///            but in limits::request_bytes_in_flight_max: they would leave the calls before them no room to run.
/// Threads    the connection's.
/// Owns       the requests of calls that wait, until they run or end.
/// Errors     what admission refuses ends the call with the status that is given.

#include <cstdint>
#include <optional>
#include <string_view>

#include <caf/event_based_actor.hpp>

#include <switchboard/actors/call_admission.hpp>
#include <switchboard/actors/call_table.hpp>
#include <switchboard/actors/client_session.hpp>
#include <switchboard/actors/connection_environment.hpp>
#include <switchboard/actors/waiting_calls.hpp>
#include <switchboard/link/frame_link.hpp>

namespace switchboard::actors {

class call_starter {
public:
  /// All of them live longer.
  call_starter(caf::event_based_actor& connection, const connection_environment& environment, link::frame_link& over,
               client_session& session, call_table& calls) noexcept
      : connection_(connection),
        environment_(environment),
        link_(over),
        session_(session),
        calls_(calls),
        admission_(environment, session, calls),
        waiting_(environment.waiting_calls) {}

  call_admission& admission() noexcept { return admission_; }

  /// Opens a call of a service, which runs or waits. Why it does neither; nothing where it does.
  std::optional<rpc::status> start(const method_entry& entry, const wire::frame_view& frame);
  /// The same for a call that the connection answers itself: it is open, and waits for room.
  std::optional<rpc::status> start_waiting(const method_entry& entry, const wire::frame_view& frame);
  /// Opens a call that its caller runs.
  open_call& open(const method_entry& entry, const wire::frame_view& frame, rpc::time_point deadline_at);

  /// Whether there is no room for the call that `opening` opens.
  bool has_to_wait(const method_entry& entry, const wire::frame_view& opening) const noexcept {
    return !waiting_.empty() || !has_room_for(entry.allowance_bytes(opening.message.size()));
  }
  bool any_waiting() const noexcept { return !waiting_.empty(); }
  /// Runs the calls that have room now. One that the connection answers itself ends the round: it is for the caller to answer,
  /// which may leave no room for the next.
  std::optional<waiting_calls::call> run_waiting();
  /// A call that ends: whether it waited, and will not run.
  bool withdraw(const open_call& call);
  /// Has its service hear of a call's end: of one that it has answered, a stream, after the calls that came before the end; of
  /// one that it has still at once, since that may make the room that others wait for.
  void pass_on_end(const open_call& call, rpc::end_notice notice);

private:
  bool has_room_for(std::size_t bytes) const noexcept;
  void wait(const open_call& call, const wire::frame_view& opening);
  void run(const open_call& call, std::string_view request, std::uint32_t credit);
  void pass_on_due_ends();

  caf::event_based_actor& connection_;
  const connection_environment& environment_;
  link::frame_link& link_;
  client_session& session_;
  call_table& calls_;
  call_admission admission_;
  waiting_calls waiting_;
};

}  // namespace switchboard::actors
