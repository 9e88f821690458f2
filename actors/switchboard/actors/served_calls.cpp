#include <limits>
#include <utility>

#include <switchboard/actors/call_batches.hpp>
#include <switchboard/actors/interceptor_chain.hpp>
#include <switchboard/actors/served_calls.hpp>
#include <switchboard/actors/tell.hpp>

namespace switchboard::actors {

using rpc::call_effect;
using rpc::call_event;
using rpc::code;

served_calls::served_calls(caf::event_based_actor& connection, const connection_environment& environment,
                           link::frame_link& over, client_session& session)
    : connection_(connection),
      environment_(environment),
      link_(over),
      session_(session),
      admission_(environment, session, calls_),
      writer_(over, environment.limits.link.frame_bytes_max) {}

// -- from the client ------------------------------------------------------------------------------------------------

const char* served_calls::open(const wire::frame_view& frame) {
  if (const auto* const fault = admission_.use_number(frame.call)) return fault;
  if (frame.has_status) return nullptr;
  auto call = admission_.admit(frame);
  if (!call)
    writer_.refuse(frame.call, call.status(), frame.method);
  else if (call->entry->built_in)
    answer_built_in(std::move(*call), frame);
  else
    hand_to_service(std::move(*call), frame);
  return nullptr;
}

void served_calls::hand_to_service(open_call&& call, const wire::frame_view& frame) {
  if (rpc::streams_requests(call.state.kind())) {
    // Bounded by the credit that the service grants, and by the request bytes in flight.
    call.requests =
        std::make_shared<rpc::stream_queue>(rpc::stream_queue::credit_max, std::numeric_limits<std::size_t>::max());
    if (frame.end) {
      call.state.apply(call_event::requests_end);
      call.requests->finish({}, connection_.context());
    }
  }
  if (frame.timeout_ms != 0)
    call.deadline =
        environment_.pump->schedule(call.deadline_at, caf::strong_actor_ptr{connection_.ctrl()}, call.number);
  if (call.entry->key) call.key = std::make_shared<const std::string>(call.entry->key->in(frame.message));
  batch_of(call).add(call.number, *call.entry->method, frame.message, call.deadline_at, frame.credit, call.requests,
                     call.metadata);
  calls_.open(std::move(call));
}

rpc::call_batch& served_calls::batch_of(const open_call& call) {
  auto& route = *call.entry->route;
  return call.key ? call_batches::to(route, session_.caller(), call.key) : call_batches::to(route, session_.caller());
}

void served_calls::answer_built_in(open_call&& call, const wire::frame_view& frame) {
  auto answer = call.entry->built_in->answer(frame.message, session_);
  const auto& figures = call.entry->figures;
  if (const auto* failure = std::get_if<rpc::status>(&answer)) {
    figures.ended(failure->code, {});
    return writer_.refuse(frame.call, *failure);
  }
  if (const auto* message = std::get_if<std::string>(&answer))
    return figures.ended(writer_.reply(frame.call, *message), {});
  call.replies = std::get<std::shared_ptr<rpc::source>>(std::move(answer));
  call.state.apply(call_event::release);
  if (frame.timeout_ms != 0)
    call.deadline =
        environment_.pump->schedule(call.deadline_at, caf::strong_actor_ptr{connection_.ctrl()}, call.number);
  calls_.open(std::move(call));
  draw(frame.call);
}

void served_calls::on_frame(const wire::frame_view& frame) {
  auto* const call = calls_.find(frame.call);
  if (!call) {
    if (!admission_.was_opened(frame.call) && !frame.has_status)
      writer_.refuse(frame.call, {code::not_found, "no such call was opened"});
    return;
  }
  if (frame.has_status)
    return end(*call, call_event::status, code::cancelled, "the caller cancelled the call, or is gone");
  if ((frame.has_message || frame.end) && !take_request(*call, frame)) return;
  const bool was_without = call->state.reply_credit() == 0;
  const auto more = call->state.grant_replies(frame.credit);
  if (more == 0) return;
  if (call->replies) call->replies->granted(more, connection_.context());
  if (was_without) draw(frame.call);
}

/// A message of a stream of requests, or its end. False where that ended the call.
bool served_calls::take_request(open_call& call, const wire::frame_view& frame) {
  if (frame.has_message) {
    const auto effect = calls_.apply(call, call_event::request);
    if (effect == call_effect::beyond_credit) {
      end_with_frame(call, code::resource_exhausted, "a message beyond the granted credit");
      return false;
    }
    if (effect == call_effect::taken && call.requests->push(frame.message, connection_.context()))
      calls_.charge(call, frame.message.size());
  }
  if (!frame.end || !call.state.requests_open()) return true;
  call.requests->finish({}, connection_.context());
  const bool ends = call.state.state() == rpc::call_state::half_closed_server;
  end(call, call_event::requests_end, code::ok, {});
  return !ends;
}

// -- from services --------------------------------------------------------------------------------------------------

void served_calls::on_answers(rpc::answers& answers, bool live) {
  session_.replies_arrived(answers.bytes());
  for (auto& watch : answers.watches) take_watch(watch, live);
  // The sources that go with the answers are notified of that as they are destroyed.
  if (!live) return;
  for (auto& stream : answers.streams) take_stream(stream);
  for (const auto& grant : answers.grants) take_grant(grant);
  take_ends(answers);
}

void served_calls::take_watch(rpc::answers::watch& watch, bool live) {
  if (!live) return;  // the notice is delivered as it is destroyed
  if (auto* const call = calls_.find(watch.call)) {
    auto watcher = watch.notice->take_watcher();
    // Of a call that is answered in full there is no more news.
    if (call->state.replies_open()) call->watcher = std::move(watcher);
  } else if (const auto* const held = calls_.find_held(watch.call)) {
    watch.notice->because(held->how);
    batch_of(*held).add_end(watch.notice.take());
  } else if (const auto* const served = environment_.directory->find(watch.method->name); served && !served->key) {
    call_batches::to(*served->route, session_.caller()).add_end(watch.notice.take());
  }
}

void served_calls::take_stream(rpc::answers::stream& stream) {
  // The source of a call that has ended is destroyed with the answers, and notified.
  if (auto* const held = calls_.find_held(stream.call)) return end(*held, call_event::release, held->how, {});
  auto* const call = calls_.find(stream.call);
  if (!call || !call->state.replies_open()) return;
  calls_.apply(*call, call_event::release);
  if (!call->requests) calls_.discharge(*call);
  call->replies = stream.source->take();
  call->replies->attach(rpc::waker{caf::strong_actor_ptr{connection_.ctrl()}, stream.call});
  if (const auto since = call->state.reply_credit() - call->opening_credit; since > 0)
    call->replies->granted(since, connection_.context());
  draw(stream.call);
}

/// A service has dealt with requests of a stream, and takes more.
void served_calls::take_grant(const rpc::answers::grant& grant) {
  auto* const call = calls_.find(grant.call);
  if (!call || !call->requests) return;
  calls_.discharge(*call, grant.bytes_released);
  if (const auto more = call->state.grant_requests(grant.messages); more > 0) writer_.grant(*call, more);
}

/// The frames that end calls go on as they came, together, as long as each is the first answer to its call and nothing
/// of its own stream waits. A stream's reader that refuses its call, and the handler that fails it for that, answer
/// twice: the first counts.
void served_calls::take_ends(rpc::answers& answers) {
  const std::string_view frames{answers.frames};
  auto trailer = answers.trailers.begin();
  std::size_t offset = 0;
  std::size_t unsent = 0;    // where the frames begin that go on as they came
  std::size_t together = 0;  // how many they are
  for (std::size_t i = 0; i < answers.ends.size(); ++i) {
    const auto& answer = answers.ends[i];
    const bool has_trailer = trailer != answers.trailers.end() && trailer->end == i;
    auto trailing = has_trailer ? std::move((trailer++)->pairs) : rpc::metadata{};
    auto* const call = calls_.find(answer.call);
    const bool counts = call && call->state.replies_open();
    const bool as_it_came = counts && !has_trailer && environment_.interceptors.empty() && writer_.has_left(*call);
    if (as_it_came) {
      ++together;
    } else {
      writer_.answers(std::string(frames.substr(unsent, offset - unsent)), std::exchange(together, 0));
      unsent = offset + answer.size;
    }
    if (counts && !as_it_came)
      writer_.answer(*call, frames.substr(offset, answer.size), trailing_of(*call, answer.how, std::move(trailing)));
    offset += answer.size;
    if (counts) {
      // That it ends is no news to its service.
      call->watcher = nullptr;
      end(*call, answer.how == code::ok ? call_event::replies_end : call_event::status, answer.how, {});
    }
    if (auto* const held = calls_.find_held(answer.call)) end(*held, call_event::release, held->how, {});
  }
  if (unsent == 0)
    writer_.answers(std::move(answers.frames), together);
  else
    writer_.answers(std::string(frames.substr(unsent)), together);
}

void served_calls::on_deadline(std::uint64_t number) {
  auto* const call = calls_.find(number);
  if (!call) return;
  call->deadline = deadline_id::none;
  end_with_frame(*call, code::deadline_exceeded, "the deadline passed");
}

// -- streams of replies ---------------------------------------------------------------------------------------------

void served_calls::draw(std::uint64_t number) {
  auto* const call = calls_.find(number);
  if (!call || !call->replies) return;
  const auto& limits = environment_.limits;
  const auto bytes_before = writer_.output().stream_position();
  for (std::size_t taken = 0;; ++taken) {
    const bool full = link_.output_full();
    if (call->state.reply_credit() == 0 || full) {
      // The end of a stream costs no credit.
      if (call->replies->ended()) break;
      if (full && !std::exchange(call->stalled, true)) stalled_.push_back(number);
      return;
    }
    if (taken >= limits.turn_messages_max || writer_.output().stream_position() - bytes_before >= limits.turn_bytes_max)
      return tell(connection_, caf::strong_actor_ptr{connection_.ctrl()}, rpc::stream_ready{number});
    rpc::payload message;
    const auto outcome = call->replies->next(message);
    if (outcome == rpc::source::outcome::wait) return;
    if (outcome == rpc::source::outcome::end) break;
    if (!writer_.message(*call, message))
      return end_with_frame(*call, code::resource_exhausted, "a message of the stream is above the frame limit");
    calls_.apply(*call, call_event::reply);
  }
  // It ends by itself: that is no news to its watcher.
  call->watcher = nullptr;
  auto result = call->replies->result();
  end_with_frame(*call, result.code, result.message, std::move(result.trailing));
}

void served_calls::resume_streams() {
  for (const auto number : std::exchange(stalled_, {})) {
    auto* const call = calls_.find(number);
    if (!call) continue;
    call->stalled = false;
    tell(connection_, caf::strong_actor_ptr{connection_.ctrl()}, rpc::stream_ready{number});
  }
}

// -- ends -----------------------------------------------------------------------------------------------------------

void served_calls::cancel(which those) {
  for (const auto number : calls_.numbers(
           [&](const open_call& call) { return those == which::all || call.state.kind() != rpc::method_kind::unary; }))
    end(*calls_.find(number), call_event::status, code::cancelled, "the caller cancelled the call, or is gone");
  stalled_.clear();
}

void served_calls::refuse(which those, code how, std::string_view text) {
  for (const auto number : calls_.numbers([&](const open_call& call) {
         return those == which::all || call.state.kind() != rpc::method_kind::unary;
       })) {
    auto& call = *calls_.find(number);
    if (those == which::streams && call.entry->flags.while_draining)
      draw(number);  // its state has changed
    else
      end_with_frame(call, how, text);
  }
}

/// Adds what the interceptors have to add.
rpc::metadata served_calls::trailing_of(const open_call& call, code how, rpc::metadata of_service) {
  if (call.entry->route && !environment_.interceptors.empty())
    interceptor_chain{environment_.interceptors}.ending(
        {session_.caller(), call.number, call.deadline_at, call.entry->method, call.metadata}, how, of_service);
  return of_service;
}

/// Ends a call, or its server's side, with what its source, or this connection, says of it.
void served_calls::end_with_frame(open_call& call, code how, std::string_view text, rpc::metadata trailing) {
  writer_.end(call, how, text, trailing_of(call, how, std::move(trailing)));
  end(call, how == code::ok ? call_event::replies_end : call_event::status, how, text);
}

/// What follows from an event that ends a call, one side of it, or its service's hold on it.
void served_calls::end(open_call& call, call_event by, code how, std::string_view text) {
  const auto effect = calls_.apply(call, by);
  if (call.state.state() == rpc::call_state::half_closed_server) {
    // Answered in full; it goes on until the client has ended its requests too, which are not read any more.
    call.watcher = nullptr;
    if (const auto replies = std::exchange(call.replies, nullptr)) replies->detach();
    call.requests->fail({code::cancelled, "the call is answered"}, connection_.context());
    return calls_.discharge(call);
  }
  if (effect == call_effect::ended) {
    call.how = how;
    // Also without a watcher: while its service has it, it may still wait to be run.
    if (call.watcher || call.state.held())
      batch_of(call).add_end({std::exchange(call.watcher, nullptr), {session_.id(), call.number, how}});
    if (call.deadline != deadline_id::none) environment_.pump->cancel(call.deadline);
    // Requests that an answered call has not read are not read any more.
    if (call.requests)
      std::exchange(call.requests, nullptr)
          ->fail(how == code::ok ? rpc::status{code::cancelled, "the call is answered"}
                                 : rpc::status{how, std::string(text)},
                 connection_.context());
    const auto took = session_.clock().now() - call.opened_at;
    call.entry->figures.ended(how, took);
    if (call.entry->route && !environment_.interceptors.empty())
      interceptor_chain{environment_.interceptors}.ended(
          {session_.caller(), call.number, call.deadline_at, call.entry->method, call.metadata}, how, took);
  }
  if (!call.state.closed()) return;
  if (call.replies) call.replies->detach();
  calls_.remove(call);
}

bool served_calls::accept_more() const noexcept {
  const auto& limits = environment_.limits;
  return calls_.request_bytes() < limits.request_bytes_in_flight_max && calls_.held() < limits.open_calls_max;
}

}  // namespace switchboard::actors
