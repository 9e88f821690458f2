#include <utility>

#include <switchboard/actors/call_batches.hpp>
#include <switchboard/actors/interceptor_chain.hpp>
#include <switchboard/actors/served_calls.hpp>
#include <switchboard/actors/tell.hpp>
#include <switchboard/wire/thread_stock.hpp>

namespace switchboard::actors {

using rpc::call_effect;
using rpc::call_event;
using rpc::code;
using which = call_table::which;

served_calls::served_calls(caf::event_based_actor& connection, const connection_environment& environment,
                           link::frame_link& over, client_session& session)
    : connection_(connection),
      environment_(environment),
      link_(over),
      session_(session),
      starter_(connection, environment, over, session, calls_),
      writer_(over, environment.limits.link.frame_bytes_max) {}

// -- from the client ------------------------------------------------------------------------------------------------

const char* served_calls::open(const wire::frame_view& frame) {
  if (const auto* const fault = starter_.admission().use_number(frame.call)) return fault;
  if (frame.has_status) return nullptr;
  const auto* const entry = starter_.admission().find(frame.method);
  const auto& figures = entry ? entry->figures : environment_.directory->unserved();
  figures.opened();
  auto refused = starter_.admission().refusal_of(frame, entry);
  if (!refused) refused = entry->built_in ? answer_built_in(*entry, frame) : starter_.start(*entry, frame);
  if (refused) {
    figures.ended(refused->code, {});
    writer_.refuse(frame.call, *refused, frame.method);
  }
  return nullptr;
}

std::optional<rpc::status> served_calls::answer_built_in(const method_entry& entry, const wire::frame_view& frame) {
  // The short ones do not wait: the client learns by them how the server is.
  if (entry.answer_bytes_max > rpc::method::default_answer_bytes_max && starter_.has_to_wait(entry, frame))
    return starter_.start_waiting(entry, frame);
  auto answer = entry.built_in->answer(frame.message, session_);
  if (auto* const failure = std::get_if<rpc::status>(&answer)) return std::move(*failure);
  if (const auto* const message = std::get_if<std::string>(&answer)) {
    entry.figures.ended(writer_.reply(frame.call, *message), {});
    return std::nullopt;
  }
  auto& call = starter_.open(entry, frame, session_.clock().deadline_of(frame.timeout_ms));
  call.make_extras().replies = std::get<std::shared_ptr<rpc::source>>(std::move(answer));
  calls_.apply(call, call_event::release);
  calls_.discharge(call);
  draw(frame.call);
  return std::nullopt;
}

void served_calls::run_those_waiting() {
  const auto next = starter_.run_waiting();
  if (!next) return;
  auto& call = *calls_.find(next->number);
  auto answer = call.entry->built_in->answer(next->request, session_);
  calls_.apply(call, call_event::release);
  // The next ones may have room at the end of a turn that follows, when what is added now has left.
  tell(connection_, caf::strong_actor_ptr{connection_.ctrl()}, rpc::stream_ready{next->number});
  if (const auto* const failure = std::get_if<rpc::status>(&answer))
    return end_with_frame(call, failure->code, failure->message);
  const auto how = writer_.reply(call.number, std::get<std::string>(answer));
  end(call, how == code::ok ? call_event::replies_end : call_event::status, how, {});
}

void served_calls::on_frame(const wire::frame_view& frame) {
  auto* const call = calls_.find(frame.call);
  if (!call) {
    if (!starter_.admission().was_opened(frame.call) && !frame.has_status)
      writer_.refuse(frame.call, {code::not_found, "no such call was opened"});
    return;
  }
  if (frame.has_status)
    return end(*call, call_event::status, code::cancelled, "the caller cancelled the call, or is gone");
  if ((frame.has_message || frame.end) && !take_request(*call, frame)) return;
  const bool was_without = call->state.reply_credit() == 0;
  const auto more = call->state.grant_replies(frame.credit);
  if (more == 0) return;
  if (const auto& replies = call->extras().replies) replies->granted(more, connection_.context());
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
    if (effect == call_effect::taken && call.extras().requests->push(frame.message, connection_.context()))
      calls_.charge(call, frame.message.size());
  }
  if (!frame.end || !call.state.requests_open()) return true;
  call.extras().requests->finish({}, connection_.context());
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
  // A service has dealt with requests of a stream, and takes more.
  for (const auto& grant : answers.grants) {
    auto* const call = calls_.find(grant.call);
    if (!call || !call->extras().requests) continue;
    calls_.discharge(*call, grant.bytes_released);
    if (const auto more = call->state.grant_requests(grant.messages); more > 0) writer_.grant(*call, more);
  }
  take_ends(answers);
}

void served_calls::take_watch(rpc::answers::watch& watch, bool live) {
  if (!live) return;  // the notice is delivered as it is destroyed
  if (auto* const call = calls_.find_open(watch.call)) {
    auto watcher = watch.notice->take_watcher();
    // Of a call that is answered in full there is no more news.
    if (call->state.replies_open()) call->make_extras().watcher = std::move(watcher);
  } else if (const auto* const held = calls_.find_held(watch.call)) {
    watch.notice->because(held->extras().how);
    call_batches::to(*held->entry->route, session_.caller(), held->extras().key).add_end(watch.notice.take());
  } else if (const auto* const served = environment_.directory->find(watch.method->name); served && !served->key) {
    call_batches::to(*served->route, session_.caller()).add_end(watch.notice.take());
  }
}

void served_calls::take_stream(rpc::answers::stream& stream) {
  // The source of a call that has ended is destroyed with the answers, and notified.
  if (auto* const held = calls_.find_held(stream.call)) return end(*held, call_event::release, held->extras().how, {});
  auto* const call = calls_.find_open(stream.call);
  if (!call || !call->state.replies_open()) return;
  calls_.apply(*call, call_event::release);
  if (calls_.is_cancelled(*call)) return;
  auto& extras = call->make_extras();
  if (!extras.requests) calls_.discharge(*call);
  extras.replies = stream.source->take();
  extras.replies->attach(rpc::waker{caf::strong_actor_ptr{connection_.ctrl()}, stream.call});
  if (const auto since = call->state.reply_credit() - extras.opening_credit; since > 0)
    extras.replies->granted(since, connection_.context());
  draw(stream.call);
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
    auto* const call = calls_.find_open(answer.call);
    const bool counts = call && call->state.replies_open() && !calls_.is_cancelled(*call);
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
      // Its service has done with it: that it ends is no news to it.
      if (answer.how != code::ok) calls_.apply(*call, call_event::release);
      if (call->own_extras) call->own_extras->watcher = nullptr;
      end(*call, answer.how == code::ok ? call_event::replies_end : call_event::status, answer.how, {});
    } else if (auto* const held = calls_.find_held(answer.call)) {
      end(*held, call_event::release, held->extras().how, {});
    } else if (call) {
      calls_.apply(*call, call_event::release);
    }
  }
  if (unsent == 0)
    writer_.answers(std::move(answers.frames), together);
  else
    writer_.answers(std::string(frames.substr(unsent)), together);
  wire::thread_stock<std::vector<rpc::answers::frame>>::give_back(std::move(answers.ends));
}

void served_calls::on_deadline(std::uint64_t number) {
  auto* const call = calls_.find_open(number);
  if (!call) return;
  call->deadline = deadline_id::none;
  if (!calls_.is_cancelled(*call)) end_with_frame(*call, code::deadline_exceeded, "the deadline passed");
}

// -- streams of replies ---------------------------------------------------------------------------------------------

void served_calls::draw(std::uint64_t number) {
  auto* const call = calls_.find(number);
  if (!call || !call->extras().replies) return;
  auto& extras = call->make_extras();
  const auto& limits = environment_.limits;
  const auto bytes_before = writer_.output().stream_position();
  for (std::size_t taken = 0;; ++taken) {
    const bool full = link_.output_full();
    if (call->state.reply_credit() == 0 || full) {
      // The end of a stream costs no credit.
      if (extras.replies->ended()) break;
      if (full && !std::exchange(extras.stalled, true)) stalled_.push_back(number);
      return;
    }
    if (taken >= limits.turn_messages_max || writer_.output().stream_position() - bytes_before >= limits.turn_bytes_max)
      return tell(connection_, caf::strong_actor_ptr{connection_.ctrl()}, rpc::stream_ready{number});
    rpc::payload message;
    const auto outcome = extras.replies->next(message);
    if (outcome == rpc::source::outcome::wait) return;
    if (outcome == rpc::source::outcome::end) break;
    if (!writer_.message(*call, message))
      return end_with_frame(*call, code::resource_exhausted,
                            "frame_bytes_max: a message of the stream is above the frame limit");
    calls_.apply(*call, call_event::reply);
  }
  // It ends by itself: that is no news to its watcher.
  extras.watcher = nullptr;
  auto result = extras.replies->result();
  end_with_frame(*call, result.code, result.message, std::move(result.trailing));
}

void served_calls::resume_streams() {
  for (const auto number : std::exchange(stalled_, {})) {
    auto* const call = calls_.find(number);
    if (!call) continue;
    call->make_extras().stalled = false;
    tell(connection_, caf::strong_actor_ptr{connection_.ctrl()}, rpc::stream_ready{number});
  }
}

// -- ends -----------------------------------------------------------------------------------------------------------

void served_calls::cancel(which those) {
  calls_.cancel(those);
  stalled_.clear();
  for (const auto number :
       calls_.numbers([this](const open_call& call) { return calls_.is_cancelled(call); }, ended_at_once))
    end(*calls_.find_open(number), call_event::status, code::cancelled, "the caller cancelled the call, or is gone");
  if (calls_.cancelled() > 0) tell(connection_, caf::strong_actor_ptr{connection_.ctrl()}, cancel_calls{those});
}

bool served_calls::stop(which those, std::uint64_t after) {
  const auto chosen = [&](const open_call& call) {
    return call.number > after && (those == which::all || call.state.kind() != rpc::method_kind::unary) &&
           !calls_.is_cancelled(call);
  };
  const auto numbers = calls_.numbers(chosen, ended_at_once);
  for (const auto number : numbers) {
    auto& call = *calls_.find(number);
    if (those == which::streams && call.entry->flags.while_draining)
      draw(number);  // its state has changed
    else
      end_with_frame(call, code::unavailable, "the server is stopping");
  }
  if (numbers.size() < ended_at_once) return true;
  tell(connection_, caf::strong_actor_ptr{connection_.ctrl()}, stop_calls{those, numbers.back()});
  return false;
}

/// Adds what the interceptors have to add.
rpc::metadata served_calls::trailing_of(const open_call& call, code how, rpc::metadata of_service) {
  if (call.entry->route && !environment_.interceptors.empty())
    interceptor_chain{environment_.interceptors}.ending(
        {session_.caller(), call.number, call.deadline_at, call.entry->method, call.extras().metadata}, how,
        of_service);
  return of_service;
}

/// Ends a call, or its server's side, with what its source, or this connection, says of it.
void served_calls::end_with_frame(open_call& call, code how, std::string_view text, rpc::metadata trailing) {
  writer_.end(call, how, text, trailing_of(call, how, std::move(trailing)));
  end(call, how == code::ok ? call_event::replies_end : call_event::status, how, text);
}

/// What follows from an event that ends a call, one side of it, or its service's hold on it.
void served_calls::end(open_call& call, call_event by, code how, std::string_view text) {
  // Its service has not got it yet, and does not have to hear of it.
  if (by == call_event::status && starter_.withdraw(call)) calls_.apply(call, call_event::release);
  const auto effect = calls_.apply(call, by);
  if (call.state.state() == rpc::call_state::half_closed_server) {
    // Answered in full; it goes on until the client has ended its requests too, which are not read any more.
    auto& extras = call.make_extras();
    extras.watcher = nullptr;
    if (const auto replies = std::exchange(extras.replies, nullptr)) replies->detach();
    extras.requests->fail({code::cancelled, "the call is answered"}, connection_.context());
    return calls_.discharge(call);
  }
  if (effect == call_effect::ended) on_ended(call, how, text);
  if (!call.state.closed()) return;
  if (const auto& replies = call.extras().replies) replies->detach();
  calls_.remove(call);
}

/// The call has ended for the client; its service may have it still.
void served_calls::on_ended(open_call& call, code how, std::string_view text) {
  if (call.deadline != deadline_id::none) environment_.pump->cancel(call.deadline);
  if (call.state.held()) call.make_extras().how = how;
  if (call.own_extras) {
    auto& extras = *call.own_extras;
    // Also without a watcher: while its service has it, it may still wait to be run.
    if (extras.watcher || call.state.held())
      starter_.pass_on_end(call, {std::exchange(extras.watcher, nullptr), {session_.id(), call.number, how}});
    // Requests that an answered call has not read are not read any more.
    if (const auto requests = std::exchange(extras.requests, nullptr))
      requests->fail(
          how == code::ok ? rpc::status{code::cancelled, "the call is answered"} : rpc::status{how, std::string(text)},
          connection_.context());
  }
  const auto took = session_.clock().now() - call.opened_at;
  call.entry->figures.ended(how, took);
  if (call.entry->route && !environment_.interceptors.empty())
    interceptor_chain{environment_.interceptors}.ended(
        {session_.caller(), call.number, call.deadline_at, call.entry->method, call.extras().metadata}, how, took);
}

bool served_calls::accept_more() const noexcept {
  const auto& limits = environment_.limits;
  return calls_.request_bytes() < limits.request_bytes_in_flight_max && calls_.held() < limits.open_calls_max;
}

}  // namespace switchboard::actors
