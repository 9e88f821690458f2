#include <array>

#include <caf/mailbox_element.hpp>

#include <switchboard/actors/connection.hpp>
#include <switchboard/logging/logging.hpp>
#include <switchboard/wire/frame_encoder.hpp>

namespace switchboard {
namespace {

// The calls of the chunk a worker is decoding, by service. A handler runs to its end on one worker, so one a thread
// will do, and idle connections need none of their own.
struct routed_batch {
  routed_batch(service_route* to, rpc::call_batch empty) : route(to), calls(std::move(empty)) {}

  service_route* route;
  rpc::call_batch calls;
};
thread_local std::vector<routed_batch> batches;
struct batches_end {
  ~batches_end() { batches.clear(); }
};

std::size_t bytes_of(const std::shared_ptr<const rpc::metadata>& kept) noexcept {
  return kept ? kept->cost() : 0;
}

logging::throttle& protocol_errors() {
  static logging::throttle lines{"protocol errors"};
  return lines;
}

logging::throttle& dropped_metadata() {
  static logging::throttle lines{"dropped metadata"};
  return lines;
}

}  // namespace

connection::connection(caf::actor_config& config, std::shared_ptr<const connection_environment> environment,
                       std::uint64_t id, std::unique_ptr<net::transport> transport)
    : caf::event_based_actor(config),
      environment_(std::move(environment)),
      id_(id),
      driver_(*this, environment_->pump),
      link_(*this, driver_, environment_->limits.link, std::move(transport)),
      authenticated_(!environment_->authenticate) {}

connection::~connection() = default;

caf::behavior connection::make_behavior() {
  link_.start();
  link_.end_turn();
  // The hot ones first: CAF tries them in order.
  return {
      [this](const socket_ready& ready) {
        if (!driver_.owns(ready)) return;
        // An interceptor, or an authenticator, may throw: nobody else's calls are to be in a batch of this connection.
        const batches_end all_sent;
        link_.on_ready(ready.events);
        end_turn();
      },
      [this](rpc::answers& answers) { on_answers(answers); },
      [this](const rpc::stream_ready& ready) {
        if (!live()) return;
        drain_stream(ready.call);
        end_turn();
      },
      [this](const link::link_turn&) {
        const batches_end all_sent;
        link_.on_turn();
        end_turn();
      },
      [this](const deadline_expired& expired) { on_deadline(expired); },
      [this](const registration_closed&) { link_.on_registration_closed(); },
      [this](const begin_drain&) { on_begin_drain(); },
      [this](const finish_drain&) { on_finish_drain(); },
      [this](const close_connection&) { link_.close(link::close_reason::stopped); },
  };
}

template <class Message>
void connection::tell(const caf::strong_actor_ptr& whom, Message message) {
  if (whom)
    whom->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, std::move(message)), context());
}

// -- input ----------------------------------------------------------------------------------------------------------

void connection::send_batches() {
  for (auto& batch : batches) {
    // A batch that finds no host, or one that has ended, answers its calls UNAVAILABLE as it is destroyed.
    if (const auto host = batch.route->host()) tell(host, rpc::calls{std::move(batch.calls)});
  }
  batches.clear();
}

void connection::on_frame(const wire::frame_view& frame) {
  if (frame.call == 0) {
    if (!frame.has_status) return;
    drop_calls();
    link_.finish({link::close_reason::ended_by_peer, limits().link.flush_timeout, limits().link.linger});
  } else if (!frame.method.empty()) {
    open_call_with(frame);
  } else {
    on_frame_of_call(frame);
  }
}

void connection::open_call_with(const wire::frame_view& frame) {
  if (frame.call % 2 == 0) return fail_protocol(rpc::code::invalid_argument, "a client opens calls with odd numbers");
  if (frame.call <= highest_call_)
    return fail_protocol(rpc::code::invalid_argument, "a call's number must be above all opened before");
  highest_call_ = frame.call;
  if (frame.has_status) return;
  // Most clients call one method again and again.
  const auto* entry = last_method_ && last_method_->method->name == frame.method
                          ? last_method_
                          : environment_->directory->find(frame.method);
  if (const auto refused = refusal_of(frame, entry)) return refuse(frame.call, refused->code, refused->message);
  last_method_ = entry;
  if (entry->built_in) return answer_built_in(*entry, frame);
  const auto& method = *entry->method;
  auto kept = rpc::kept_metadata(frame.metadata, method);
  if (metadata_bytes_ + bytes_of(kept) > limits().request_bytes_in_flight_max / 2)
    return refuse(frame.call, rpc::code::resource_exhausted, "too much metadata of open calls on one connection");
  if (rpc::streams_requests(method.kind) && frame.has_message)
    return refuse(frame.call, rpc::code::resource_exhausted, "a message beyond the granted credit");
  auto call = call_opened_by(frame, *entry);
  call.metadata = std::move(kept);
  call.request_bytes = static_cast<std::uint32_t>(frame.message.size());
  if (!environment_->interceptors.empty()) {
    call.opened_at = environment_->pump->now();
    // They see all of its metadata, whatever is kept.
    auto all = frame.metadata.empty() ? nullptr : std::make_shared<const rpc::metadata>(frame.metadata);
    if (const auto refused = admit({caller(), call.number, call.deadline_at, &method, std::move(all)}); !refused.ok())
      return link_.output().add_reply([&](std::string& out) {
        const auto begin = out.size();
        wire::append_status(out, frame.call, static_cast<int>(refused.code), refused.message);
        fit_trailing(refused.trailing, method.name, out, begin);
      });
  }
  if (frame.timeout_ms != 0) call.deadline = environment_->pump->schedule(call.deadline_at, self_ptr(), frame.call);
  if (rpc::streams_requests(method.kind)) {
    // Bounded by the credit that the service grants, and by the request bytes in flight.
    call.requests =
        std::make_shared<rpc::stream_queue>(rpc::stream_queue::credit_max, std::numeric_limits<std::size_t>::max());
    call.client_ended = frame.end;
    if (frame.end) call.requests->finish({}, context());
  }
  metadata_bytes_ += bytes_of(call.metadata);
  request_bytes_ += frame.message.size() + bytes_of(call.metadata);
  if (!call.streaming) ++unary_calls_;
  auto batch =
      std::find_if(batches.begin(), batches.end(), [&](const auto& each) { return each.route == entry->route; });
  auto& calls = batch != batches.end()
                    ? batch->calls
                    : batches.emplace_back(entry->route, rpc::call_batch{caller(), link_.input().chunk_size()}).calls;
  calls.add(frame.call, method, frame.message, call.deadline_at, frame.credit, call.requests, call.metadata);
  calls_.open(std::move(call));
}

/// Why the call that `frame` opens is not run, where it is not, but for what its request says.
std::optional<rpc::status> connection::refusal_of(const wire::frame_view& frame, const method_entry* entry) const {
  if (!authenticated_ && !(entry && entry->open_to_all(frame.message)))
    return rpc::status{rpc::code::unauthenticated, "call switchboard.v1.Session/Authenticate first"};
  if (refusing_calls_ && !(entry && entry->flags.while_draining))
    return rpc::status{rpc::code::unavailable, "the server is stopping"};
  if (!entry) return rpc::status{rpc::code::unimplemented, "no method " + std::string(frame.method.substr(0, 256))};
  if (!entry->flags.uncounted && calls_.size() >= limits().open_calls_max)
    return rpc::status{rpc::code::resource_exhausted,
                       "more than " + std::to_string(limits().open_calls_max) + " open calls on one connection"};
  if (frame.metadata.empty()) return std::nullopt;
  auto checked = rpc::check(frame.metadata);
  return checked.ok() ? std::nullopt : std::optional{std::move(checked)};
}

open_call connection::call_opened_by(const wire::frame_view& frame, const method_entry& entry) const {
  open_call call;
  call.number = frame.call;
  call.method = entry.method;
  call.route = entry.route;
  call.streaming = entry.method->kind != rpc::method_kind::unary;
  call.outlasts_drain = entry.flags.while_draining;
  call.credit = call.opening_credit = frame.credit;
  if (frame.timeout_ms != 0) call.deadline_at = environment_->pump->now() + std::chrono::milliseconds{frame.timeout_ms};
  return call;
}

/// Asks the interceptors; those that let a call through hear of its end.
rpc::status connection::admit(const rpc::call_context& call) const {
  const auto& interceptors = environment_->interceptors;
  for (std::size_t i = 0; i < interceptors.size(); ++i) {
    auto verdict = interceptors[i]->opened(call);
    if (verdict.ok()) continue;
    while (i-- > 0) interceptors[i]->ended(call, verdict.code, {});
    return verdict;
  }
  return {};
}

void connection::answer_built_in(const method_entry& entry, const wire::frame_view& frame) {
  auto answer = entry.built_in->answer(frame.message, *this);
  if (const auto* failure = std::get_if<rpc::status>(&answer))
    return refuse(frame.call, failure->code, failure->message);
  if (const auto* message = std::get_if<std::string>(&answer)) return reply(frame.call, *message);
  auto call = call_opened_by(frame, entry);
  call.source = std::get<std::shared_ptr<rpc::source>>(std::move(answer));
  if (frame.timeout_ms != 0) call.deadline = environment_->pump->schedule(call.deadline_at, self_ptr(), frame.call);
  calls_.open(std::move(call));
  drain_stream(frame.call);
}

rpc::result<std::string> connection::authenticate(const std::string& token) {
  if (!environment_->authenticate) return std::string{};
  auto identity = environment_->authenticate(token, link_.peer().to_string());
  if (!identity) return rpc::status{rpc::code::unauthenticated, identity.status().message};
  authenticated_ = true;
  identity_ = *identity;
  // Calls that are open keep the caller they were opened with.
  if (caller_) {
    auto renamed = *caller_;
    renamed.identity = identity_;
    caller_ = std::make_shared<const rpc::caller>(std::move(renamed));
  }
  return identity;
}

void connection::on_frame_of_call(const wire::frame_view& frame) {
  auto* call = calls_.find(frame.call);
  if (!call) {
    const bool was_opened = frame.call % 2 == 1 && frame.call <= highest_call_;
    if (!was_opened && !frame.has_status) refuse(frame.call, rpc::code::not_found, "no such call was opened");
    return;
  }
  if (frame.has_status) return interrupt(*call);
  if ((frame.has_message || frame.end) && !take_request(*call, frame)) return;
  if (frame.credit != 0 && rpc::streams_replies(call->method->kind)) take_credit(*call, frame.credit);
}

/// A message of a stream of requests, or its end. False where that ended the call.
bool connection::take_request(open_call& call, const wire::frame_view& frame) {
  if (frame.has_message) {
    // Other requests are whole with their opening frame, so there is never credit for another message.
    if (!call.requests || call.client_ended || call.request_credit == 0) {
      end_call(call, rpc::code::resource_exhausted, "a message beyond the granted credit");
      return false;
    }
    --call.request_credit;
    if (call.requests->push(frame.message, context())) {
      call.request_bytes += static_cast<std::uint32_t>(frame.message.size());
      request_bytes_ += frame.message.size();
    }
  }
  if (!frame.end || !call.requests || std::exchange(call.client_ended, true)) return true;
  call.requests->finish({}, context());
  if (!call.server_ended) return true;
  forget(call, rpc::code::ok);
  release(call);
  return false;
}

void connection::take_credit(open_call& call, std::uint32_t messages) {
  const bool was_without = call.credit == 0;
  const auto more = std::min(messages, std::numeric_limits<std::uint32_t>::max() - call.credit);
  call.credit += more;
  if (call.source) call.source->granted(more, context());
  if (was_without) drain_stream(call.number);
}

void connection::on_malformed(std::error_code why) {
  fail_protocol(why == errc::frame_too_large ? rpc::code::resource_exhausted : rpc::code::invalid_argument,
                why.message());
}

void connection::on_end_of_stream() {
  // The client's streams are cancelled without a word; its unary calls are answered.
  for (const auto number : numbers_of_calls([](const open_call& call) { return call.streaming; }))
    interrupt(*calls_.find(number));
  link_.output().drop_streams();
}

bool connection::accepts_input() const noexcept {
  return request_bytes_ < limits().request_bytes_in_flight_max && calls_.abandoned() < limits().open_calls_max;
}

// -- calls ----------------------------------------------------------------------------------------------------------

const std::shared_ptr<const rpc::caller>& connection::caller() {
  if (!caller_)
    caller_ = std::make_shared<const rpc::caller>(
        rpc::caller{id_, self_ptr(), link_.peer().to_string(), identity_, limits().link.frame_bytes_max,
                    std::make_shared<rpc::reply_backlog>(2 * limits().link.outbound_high_bytes)});
  return caller_;
}

void connection::on_answers(rpc::answers& answers) {
  if (caller_) caller_->backlog->arrived(answers.bytes());
  for (auto& watch : answers.watches) {
    if (!live()) continue;  // the notice tells its watcher as it goes
    if (auto* call = calls_.find(watch.call)) {
      auto watcher = watch.notice->take_watcher();
      // Of a call that is answered in full there is no more news.
      if (!call->server_ended) call->watcher = std::move(watcher);
    } else if (const auto* served = environment_->directory->find(watch.method->name)) {
      if (const auto* ended = calls_.find_abandoned(watch.call)) watch.notice->because(ended->how);
      pass_on(std::move(*watch.notice), *served->route);
    }
  }
  if (!live()) return;
  for (auto& stream : answers.streams) {
    auto* call = calls_.find(stream.call);
    if (!call) {
      // The source goes with the answers, and is told.
      release_abandoned(stream.call);
      continue;
    }
    if (!call->requests) request_bytes_ -= std::exchange(call->request_bytes, 0);
    call->source = stream.source->take();
    call->source->attach(rpc::waker{self_ptr(), stream.call});
    if (call->credit > call->opening_credit) call->source->granted(call->credit - call->opening_credit, context());
    drain_stream(stream.call);
  }
  for (const auto& grant : answers.grants) on_grant(grant);
  // A stream's reader that refuses its call, and the handler that fails it for that, answer twice: the first counts.
  bool all_at_once = answers.trailers.empty() && environment_->interceptors.empty();
  for (const auto& end : answers.ends) {
    auto* call = calls_.find(end.call);
    const bool counts = call && !call->server_ended && !std::exchange(call->answered, true);
    all_at_once = all_at_once && counts && link_.output().stream_sent(call->last_message);
  }
  std::size_t offset = 0;
  auto trailer = answers.trailers.begin();
  for (const auto& end : answers.ends) {
    auto* call = calls_.find(end.call);
    const bool has_trailer = trailer != answers.trailers.end() && &answers.ends[trailer->end] == &end;
    auto* const trailing = has_trailer ? &(trailer++)->pairs : nullptr;
    if (!call) {
      release_abandoned(end.call);
    } else if (!call->server_ended) {
      if (!all_at_once)
        add_behind_own_messages(*call, [&](std::string& out) {
          const auto begin = out.size();
          out.append(answers.frames, offset, end.size);
          add_trailing(*call, end.how, trailing ? std::move(*trailing) : rpc::metadata{}, out, begin);
        });
      if (end.how == rpc::code::ok && call->requests && !call->client_ended) {
        half_close(*call);
      } else {
        forget(*call, end.how);
        release(*call);
      }
    }
    offset += end.size;
  }
  if (all_at_once && offset > 0) link_.output().add_replies(std::move(answers.frames));
  end_turn();
}

/// A service has dealt with requests of a stream, and takes more.
void connection::on_grant(const rpc::answers::grant& grant) {
  auto* call = calls_.find(grant.call);
  if (!call || !call->requests) return;
  const auto released = std::min(grant.bytes_released, call->request_bytes);
  call->request_bytes -= released;
  request_bytes_ -= released;
  if (grant.messages == 0 || call->client_ended || call->server_ended) return;
  const auto more = std::min(grant.messages, std::numeric_limits<std::uint32_t>::max() - call->request_credit);
  call->request_credit += more;
  add_behind_own_messages(*call, [&](std::string& out) { wire::append_credit(out, call->number, more); });
}

void connection::on_deadline(const deadline_expired& expired) {
  if (driver_.owns(expired)) return link_.on_deadline();
  if (!live()) return;
  if (auto* call = calls_.find(expired.tag)) {
    call->deadline = deadline_id::none;
    end_call(*call, rpc::code::deadline_exceeded, "the deadline passed");
  }
  end_turn();
}

void connection::refuse(std::uint64_t call, rpc::code code, std::string_view text) {
  link_.output().add_reply([&](std::string& out) { wire::append_status(out, call, static_cast<int>(code), text); });
}

void connection::reply(std::uint64_t call, std::string_view message) {
  if (wire::message_frame_size(call, message.size(), true) > limits().link.frame_bytes_max)
    return refuse(call, rpc::code::resource_exhausted, "the reply is above the frame limit");
  link_.output().add_reply([&](std::string& out) { wire::append_message(out, call, message, true); });
}

/// Adds a frame of a call before other calls' stream messages, but behind its own where some still wait.
template <class Append>
void connection::add_behind_own_messages(const open_call& call, Append&& append) {
  if (link_.output().stream_sent(call.last_message))
    link_.output().add_reply(append);
  else
    link_.output().add_stream_frame(append);
}

/// Ends a call with what its source, or this connection, says of it; its service is told where that is news.
void connection::end_call(open_call& call, rpc::code code, std::string_view text, rpc::metadata trailing) {
  add_behind_own_messages(call, [&](std::string& out) {
    const auto begin = out.size();
    if (code == rpc::code::ok)
      wire::append_end(out, call.number);
    else
      wire::append_status(out, call.number, static_cast<int>(code), text);
    add_trailing(call, code, std::move(trailing), out, begin);
  });
  if (code == rpc::code::ok && call.requests && !call.client_ended) return half_close(call);
  give_up(call, code, text);
}

/// Adds `trailing`, and what the interceptors have to add, to the frame that ends the call: the last of `out`, from
/// `begin` on.
void connection::add_trailing(const open_call& call, rpc::code how, rpc::metadata trailing, std::string& out,
                              std::size_t begin) {
  if (call.route && !environment_->interceptors.empty()) {
    const auto context = context_of(call);
    for (const auto& each : environment_->interceptors) each->ending(context, how, trailing);
  }
  fit_trailing(trailing, call.method->name, out, begin);
}

/// Adds what fits of `trailing`.
void connection::fit_trailing(const rpc::metadata& trailing, std::string_view method, std::string& out,
                              std::size_t begin) {
  auto dropped = trailing.refused();
  if (out.size() - begin + trailing.fields().size() <= limits().link.frame_bytes_max)
    wire::add_metadata(out, begin, trailing.fields());
  else
    dropped += trailing.size();
  if (dropped > 0)
    dropped_metadata().warn("{}: {}: trailing metadata that does not fit is dropped, pairs: {}",
                            link_.peer().to_string(), method, dropped);
}

rpc::call_context connection::context_of(const open_call& call) {
  return {caller(), call.number, call.deadline_at, call.method, call.metadata};
}

/// Tells who watches a call that it has ended.
void connection::notify_watcher(open_call& call, rpc::code why) {
  if (call.watcher) pass_on({std::exchange(call.watcher, nullptr), {id_, call.number, why}}, *call.route);
}

/// Sends the notice behind the calls that went the same way.
void connection::pass_on(rpc::end_notice notice, const service_route& way) {
  send_batches();
  if (const auto host = way.host()) tell(host, rpc::passed_end_notice{std::move(notice)});
}

/// Ends a call nobody waits for any more, and tells who works on it.
void connection::interrupt(open_call& call) {
  give_up(call, rpc::code::cancelled, "the caller cancelled the call, or is gone");
}

/// The call is answered in full; it goes on until the client has ended its requests too, which nobody reads any more.
void connection::half_close(open_call& call) {
  call.server_ended = true;
  call.watcher = nullptr;
  if (const auto source = std::exchange(call.source, nullptr)) source->detach();
  call.requests->fail({rpc::code::cancelled, "the call is answered"}, context());
  request_bytes_ -= std::exchange(call.request_bytes, 0);
}

/// The call has ended for the client.
void connection::forget(open_call& call, rpc::code how) {
  if (call.deadline != deadline_id::none) environment_->pump->cancel(call.deadline);
  if (!call.streaming) --unary_calls_;
  if (environment_->interceptors.empty() || !call.route) return;
  const auto context = context_of(call);
  const auto took = environment_->pump->now() - call.opened_at;
  for (const auto& each : environment_->interceptors) each->ended(context, how, took);
}

/// Nobody has the call any more. Invalidates references to calls.
void connection::release(open_call& call) {
  metadata_bytes_ -= bytes_of(call.metadata);
  request_bytes_ -= call.request_bytes + bytes_of(call.metadata);
  if (call.source) call.source->detach();
  if (call.requests) call.requests->fail({rpc::code::cancelled, "the call is answered"}, context());
  calls_.close(call);
}

void connection::release_abandoned(std::uint64_t number) {
  if (auto* call = calls_.find_abandoned(number)) release(*call);
}

/// Ends a call that its service may still have, and tells it. Invalidates references to calls.
void connection::give_up(open_call& call, rpc::code how, std::string_view text) {
  notify_watcher(call, how);
  forget(call, how);
  if (call.requests) call.requests->fail({how, std::string(text)}, context());
  if (call.source || call.server_ended)
    release(call);
  else
    calls_.abandon(call, how);
}

template <class Choose>
std::vector<std::uint64_t> connection::numbers_of_calls(Choose&& choose) {
  std::vector<std::uint64_t> numbers;
  calls_.for_each([&](const open_call& call) {
    if (choose(call)) numbers.push_back(call.number);
  });
  return numbers;
}

void connection::drop_calls() {
  for (const auto number : numbers_of_calls([](const open_call&) { return true; })) interrupt(*calls_.find(number));
}

void connection::end_streams() {
  for (const auto number : numbers_of_calls([](const open_call& call) { return call.streaming; })) {
    auto& call = *calls_.find(number);
    if (call.outlasts_drain)
      drain_stream(number);  // what it tells has changed
    else
      end_call(call, rpc::code::unavailable, "the server is stopping");
  }
}

// -- streams --------------------------------------------------------------------------------------------------------

void connection::drain_stream(std::uint64_t number) {
  auto* call = calls_.find(number);
  if (!call || !call->source) return;
  const auto bytes_before = link_.output().stream_position();
  for (std::size_t taken = 0;; ++taken) {
    // While the socket takes nothing, what is drawn would only wait here: it costs less at its source.
    const bool full = link_.output_full();
    if (call->credit == 0 || full) {
      // The end of a stream costs no credit.
      if (call->source->ended()) break;
      if (full && !call->stalled) {
        call->stalled = true;
        stalled_.push_back(number);
      }
      return;
    }
    if (taken >= limits().turn_messages_max ||
        link_.output().stream_position() - bytes_before >= limits().turn_bytes_max)
      return tell(self_ptr(), rpc::stream_ready{number});
    rpc::payload message;
    const auto outcome = call->source->next(message);
    if (outcome == rpc::source::outcome::wait) return;
    if (outcome == rpc::source::outcome::end) break;
    if (wire::message_frame_size(number, message.bytes.size(), false) > limits().link.frame_bytes_max)
      return end_call(*call, rpc::code::resource_exhausted, "a message of the stream is above the frame limit");
    link_.output().add_stream_message(number, message.bytes, message.owner);
    call->last_message = link_.output().stream_position();
    --call->credit;
  }
  // It ends by itself: that is no news to who watches.
  call->watcher = nullptr;
  auto result = call->source->result();
  end_call(*call, result.code, result.message, std::move(result.trailing));
}

void connection::on_output_low() {
  if (stalled_.empty()) return;
  for (const auto number : std::exchange(stalled_, {})) {
    if (auto* call = calls_.find(number)) {
      call->stalled = false;
      tell(self_ptr(), rpc::stream_ready{number});
    }
  }
}

// -- the end of a turn, and of the connection -----------------------------------------------------------------------

/// The one end of every handler.
void connection::end_turn() {
  if (link_.now() == link::state::half_closed && unary_calls_ == 0)
    link_.finish({link::close_reason::end_of_stream,
                  finishing_ ? limits().link.flush_timeout : limits().link.end_of_stream_flush});
  link_.end_turn();
  if (refusing_calls_ && !drain_reported_ && unary_calls_ == 0) {
    drain_reported_ = true;
    tell(environment_->broker, connection_drained{id_});
  }
  if (!live() || !caller_) return;
  caller_->backlog->queued(link_.output().reply_bytes());
  resume_services();
}

/// Tells the services that hold back calls of this client that it takes replies again.
void connection::resume_services() {
  for (const auto& host : caller_->backlog->take_waiting()) tell(host, rpc::resume_calls{id_});
}

void connection::fail_protocol(rpc::code code, std::string_view text) {
  protocol_errors().info("{}: {}: {}", link_.peer().to_string(), rpc::to_string(code), text);
  drop_calls();
  // The last frame: behind replies and stream messages alike.
  link_.output().add_stream_frame([&](std::string& out) { wire::append_status(out, 0, static_cast<int>(code), text); });
  link_.finish({link::close_reason::protocol_error, limits().link.flush_timeout, limits().link.linger});
}

void connection::on_begin_drain() {
  if (refusing_calls_) return;
  refusing_calls_ = true;
  if (!live()) return;
  end_streams();
  end_turn();
}

void connection::on_finish_drain() {
  refusing_calls_ = true;
  if (!live()) return;
  finishing_ = true;
  for (const auto number : numbers_of_calls([](const open_call&) { return true; }))
    end_call(*calls_.find(number), rpc::code::unavailable, "the server is stopping");
  if (link_.now() != link::state::half_closed) link_.finish({link::close_reason::drained, limits().link.flush_timeout});
  end_turn();
}

void connection::on_closing(link::close_reason, std::error_code) {
  let_go();
}

/// Lets go of calls, and of services that wait.
void connection::let_go() {
  drop_calls();
  stalled_.clear();
  if (!caller_) return;
  caller_->backlog->close();
  resume_services();
}

void connection::on_closed(link::close_reason reason) {
  tell(environment_->broker, connection_closed{id_, reason});
  quit();
}

void connection::on_exit() {
  // Only a fault of ours ends the actor before its registration: the slot then keeps it, and with it the socket, until
  // the REMOVE event (N50).
  link_.close(link::close_reason::failed);
  if (link_.now() == link::state::closing)
    tell(environment_->broker, connection_closed{id_, link::close_reason::failed});
  caller_ = nullptr;
  // A call that is still held somewhere keeps this actor's memory; it must not keep the services, which may own what
  // holds the call.
  environment_ = nullptr;
}

}  // namespace switchboard
