#include <limits>
#include <utility>

#include <switchboard/actors/call_batches.hpp>
#include <switchboard/actors/call_starter.hpp>

namespace switchboard::actors {

using rpc::call_event;

std::optional<rpc::status> call_starter::start(const method_entry& entry, const wire::frame_view& frame) {
  const auto deadline_at = session_.clock().deadline_of(frame.timeout_ms);
  auto kept = frame.metadata.empty() ? nullptr : rpc::kept_metadata(frame.metadata, *entry.method);
  if (auto refused = admission_.refusal_of_service_call(frame, entry, deadline_at, kept)) return refused;
  const bool waits = has_to_wait(entry, frame);
  auto& call = open(entry, frame, deadline_at);
  calls_.keep(call, std::move(kept));
  if (rpc::streams_requests(entry.method->kind)) {
    // Bounded by the credit that the service grants, and by the request bytes in flight.
    auto& requests = call.make_extras().requests;
    requests =
        std::make_shared<rpc::stream_queue>(rpc::stream_queue::credit_max, std::numeric_limits<std::size_t>::max());
    if (frame.end) {
      call.state.apply(call_event::requests_end);
      requests->finish({}, connection_.context());
    }
  }
  if (entry.key) call.make_extras().key = std::make_shared<const std::string>(entry.key->in(frame.message));
  if (waits)
    wait(call, frame);
  else
    run(call, frame.message, frame.credit);
  return std::nullopt;
}

std::optional<rpc::status> call_starter::start_waiting(const method_entry& entry, const wire::frame_view& frame) {
  // It does not count where it is answered at once; one that waits does.
  if (auto refused = admission_.refusal_of_one_more()) return refused;
  wait(open(entry, frame, session_.clock().deadline_of(frame.timeout_ms)), frame);
  return std::nullopt;
}

open_call& call_starter::open(const method_entry& entry, const wire::frame_view& frame, rpc::time_point deadline_at) {
  auto& call = calls_.open(frame.call, entry);
  if (const auto credit = call.state.grant_replies(frame.credit)) call.make_extras().opening_credit = credit;
  call.state.apply(call_event::accept);
  calls_.charge(call, frame.message.size());
  calls_.reserve_answer(call);
  call.opened_at = session_.clock().began();
  if (frame.timeout_ms != 0) {
    call.deadline_at = deadline_at;
    call.deadline = environment_.pump->schedule(deadline_at, caf::strong_actor_ptr{connection_.ctrl()}, call.number);
  }
  return call;
}

/// A call that would take more than all there is has room when nothing else takes any.
bool call_starter::has_room_for(std::size_t bytes) const noexcept {
  const auto& output = link_.output();
  const auto of_calls = calls_.allowance_bytes() - waiting_.bytes();
  const bool alone = output.empty() && of_calls == 0;
  return alone || output.held_bytes() + of_calls + bytes <= environment_.limits.connection_memory_max;
}

void call_starter::wait(const open_call& call, const wire::frame_view& opening) {
  waiting_.add(
      {call.number, std::string(opening.message), opening.credit, call.entry->allowance_bytes(opening.message.size())});
}

/// Hands a call to its service.
void call_starter::run(const open_call& call, std::string_view request, std::uint32_t credit) {
  const auto& extras = call.extras();
  call_batches::to(*call.entry->route, session_.caller(), extras.key)
      .add(call.number, *call.entry->method, request, call.deadline_at, credit, extras.requests, extras.metadata);
}

std::optional<waiting_calls::call> call_starter::run_waiting() {
  std::optional<waiting_calls::call> built_in;
  while (!built_in && !waiting_.empty() && has_room_for(waiting_.bytes_of_first())) {
    auto next = waiting_.take_first();
    auto& call = *calls_.find_open(next.number);
    // A cancelled one is ended in a turn that follows; no service has it.
    if (calls_.is_cancelled(call))
      calls_.apply(call, call_event::release);
    else if (call.entry->built_in)
      built_in = std::move(next);
    else
      run(call, next.request, next.credit);
    pass_on_due_ends();
  }
  call_batches::send(connection_);
  return built_in;
}

bool call_starter::withdraw(const open_call& call) {
  if (waiting_.empty() || !waiting_.remove(call.number)) return false;
  pass_on_due_ends();
  return true;
}

void call_starter::pass_on_end(const open_call& call, rpc::end_notice notice) {
  const auto& key = call.extras().key;
  if (waiting_.empty() || call.state.held())
    call_batches::to(*call.entry->route, session_.caller(), key).add_end(std::move(notice));
  else
    waiting_.add_end({call.entry->route, key, std::move(notice)});
}

void call_starter::pass_on_due_ends() {
  while (auto due = waiting_.take_due_end())
    call_batches::to(*due->to, session_.caller(), due->key).add_end(std::move(due->notice));
}

}  // namespace switchboard::actors
