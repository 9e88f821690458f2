#include <algorithm>
#include <vector>

#include <switchboard/client/call_table.hpp>
#include <switchboard/error/errc.hpp>
#include <switchboard/rpc/retry_info.hpp>
#include <switchboard/v1/frame.pb.h>
#include <switchboard/wire/frame_encoder.hpp>

namespace switchboard::client {
namespace {

using rpc::call_effect;
using rpc::call_event;
using rpc::code;

/// What an opening frame has besides method and message, at most.
constexpr std::size_t opening_overhead = 64;

rpc::status status_of(const wire::frame_view& frame) {
  v1::Status parsed;
  // The decoder has seen that it parses.
  (void)parsed.ParseFromArray(frame.status.data(), static_cast<int>(frame.status.size()));
  rpc::status status{static_cast<code>(parsed.code()), std::move(*parsed.mutable_message()),
                     rpc::metadata{frame.metadata}};
  for (const auto& detail : parsed.details())
    status.retry_after = std::max(status.retry_after, rpc::retry_delay_in(detail));
  return status;
}

}  // namespace

// -- calls ----------------------------------------------------------------------------------------------------------

std::uint64_t call_table::open(call_opening opening, deadline now) {
  const auto number = last_call_ += 2;
  if (const auto verdict = admit(opening, now); !verdict.ok()) {
    opening.handler->on_end(verdict);
    return number;
  }
  auto& call = calls_.emplace(number, open_call{rpc::call_machine{opening.kind}, std::move(opening)}).first->second;
  call.machine.grant_replies(call.what.credit);
  if (call.what.until != deadline::max()) deadlines_.emplace(call.what.until, number);
  waiting_bytes_ += call.waiting_bytes();
  if (output_) send_opening(number, call, now);
  return number;
}

rpc::status call_table::admit(const call_opening& opening, deadline now) const {
  if (!output_ && failing_) return *failing_;
  if (opening.until <= now) return {code::deadline_exceeded, "the deadline passed before the call"};
  if (calls_.size() >= limits_.open_calls_max)
    return {code::resource_exhausted, "more than " + std::to_string(limits_.open_calls_max) + " calls are open"};
  const auto size = opening.request.size() + opening.metadata.fields().size();
  if (opening.method.size() + size + opening_overhead > limits_.frame_bytes_max)
    return {code::resource_exhausted, "the request of " + std::to_string(size) + " bytes is above the frame limit of " +
                                          std::to_string(limits_.frame_bytes_max)};
  if ((output_ ? output_->size() : 0) + waiting_bytes_ + size > limits_.output_bytes_max)
    return {code::resource_exhausted, "too much waits for the server to read it"};
  return {};
}

void call_table::send_opening(std::uint64_t number, open_call& call, deadline now) {
  auto& what = call.what;
  const bool finished = !rpc::streams_requests(what.kind) || call.finished_early;
  const auto credit = rpc::streams_replies(what.kind) ? call.machine.reply_credit() : 0;
  add_frame([&](std::string& out) {
    wire::append_open(out, number, what.method, what.request, finished, credit, timeout_ms(what.until, now));
    wire::add_metadata(out, 0, what.metadata.fields());
  });
  call.machine.apply(call_event::open);
  if (finished) call.machine.apply(call_event::requests_end);
  waiting_bytes_ -= call.waiting_bytes();
  std::string{}.swap(what.request);
  what.metadata = {};
}

call_effect call_table::send(std::uint64_t number, std::string_view message) {
  const auto found = calls_.find(number);
  if (found == calls_.end()) return call_effect::ignored;
  auto& machine = found->second.machine;
  if (machine.state() == rpc::call_state::idle) return call_effect::beyond_credit;
  if (wire::message_frame_size(number, message.size(), false) > limits_.frame_bytes_max) {
    cancel(number, {code::resource_exhausted, "a message of the stream is above the frame limit"});
    return call_effect::ignored;
  }
  const auto effect = machine.apply(call_event::request);
  if (effect == call_effect::taken)
    add_frame([&](std::string& out) { wire::append_message(out, number, message, false); });
  return effect;
}

void call_table::finish(std::uint64_t number) {
  const auto found = calls_.find(number);
  if (found == calls_.end()) return;
  auto& call = found->second;
  if (call.machine.state() == rpc::call_state::idle)
    call.finished_early = true;
  else if (call.machine.apply(call_event::requests_end) != call_effect::ignored)
    add_frame([&](std::string& out) { wire::append_end(out, number); });
}

void call_table::grant(std::uint64_t number, std::uint32_t messages) {
  const auto found = calls_.find(number);
  if (found == calls_.end()) return;
  auto& machine = found->second.machine;
  const auto counted = machine.grant_replies(messages);
  // What is granted before the call is sent goes with its opening frame.
  if (counted > 0 && machine.state() != rpc::call_state::idle)
    add_frame([&](std::string& out) { wire::append_credit(out, number, counted); });
}

void call_table::cancel(std::uint64_t number, const rpc::status& how) {
  const auto found = calls_.find(number);
  if (found == calls_.end()) return;
  if (found->second.machine.state() != rpc::call_state::idle)
    add_frame(
        [&](std::string& out) { wire::append_status(out, number, static_cast<int>(code::cancelled), how.message); });
  end(number, how);
}

const call_table::open_call* call_table::find(std::uint64_t number) const {
  const auto found = calls_.find(number);
  return found == calls_.end() ? nullptr : &found->second;
}

/// Adds the frame that `append` makes; its size.
template <class Append>
std::size_t call_table::add_frame(Append&& append) {
  std::string frame;
  append(frame);
  output_->add(frame);
  return frame.size();
}

/// @pre the call is open
void call_table::end(std::uint64_t number, const rpc::status& how) {
  const auto node = calls_.extract(number);
  const auto& call = node.mapped();
  deadlines_.erase({call.what.until, number});
  waiting_bytes_ -= call.waiting_bytes();
  call.what.handler->on_end(how);
}

bool call_table::expire(deadline now) {
  const bool any = nearest_deadline() <= now;
  while (nearest_deadline() <= now)
    cancel(deadlines_.begin()->second, {code::deadline_exceeded, "the deadline passed"});
  return any;
}

// -- the connection -------------------------------------------------------------------------------------------------

void call_table::connected(frame_output& to, deadline now) {
  output_ = &to;
  failing_.reset();
  refusal_bytes_ = 0;
  for (auto& [number, call] : calls_) send_opening(number, call, now);
}

void call_table::disconnected(const rpc::status& why, without_connection others) {
  output_ = nullptr;
  if (others == without_connection::fail) failing_ = why;
  std::vector<std::uint64_t> ended;
  for (auto& [number, call] : calls_)
    if (others == without_connection::fail || call.machine.state() != rpc::call_state::idle) ended.push_back(number);
  for (const auto number : ended)
    // A handler that end() called may have cancelled others.
    if (calls_.contains(number)) end(number, why);
}

std::optional<rpc::status> call_table::on_frame(const wire::frame_view& frame) {
  if (output_->size() == 0) refusal_bytes_ = 0;
  if (frame.call == 0) {
    if (!frame.has_status) return std::nullopt;
    return rpc::status{code::unavailable, "the server ended the connection: " + status_of(frame).message};
  }
  if (!frame.method.empty() && frame.call % 2 == 0) return refuse(frame);
  on_frame_of_call(frame);
  return std::nullopt;
}

void call_table::on_frame_of_call(const wire::frame_view& frame) {
  const auto number = frame.call;
  auto found = calls_.find(number);
  if (found == calls_.end() || found->second.machine.state() == rpc::call_state::idle) return;
  if (frame.has_message) {
    const auto effect = found->second.machine.apply(call_event::reply);
    rpc::status verdict{code::resource_exhausted, "the server sent a message beyond the credit"};
    // Shared: the call may end meanwhile.
    const auto handler = found->second.what.handler;
    if (effect == call_effect::taken) verdict = handler->on_reply(frame.message);
    if (!verdict.ok()) return cancel(number, verdict);
    found = calls_.find(number);
    if (found == calls_.end()) return;
  }
  auto& call = found->second;
  if (frame.has_status) return end(number, status_of(frame));
  if (frame.end) {
    // The server has answered in full; the call ends when both sides have ended.
    if (call.machine.apply(call_event::replies_end) == call_effect::taken) finish(number);
    return end(number, {code::ok, {}, rpc::metadata{frame.metadata}});
  }
  if (const auto more = call.machine.grant_requests(frame.credit); more > 0) {
    const auto handler = call.what.handler;
    handler->on_credit(more);
  }
}

/// Clients serve nothing.
std::optional<rpc::status> call_table::refuse(const wire::frame_view& opening) {
  if (opening.has_status) return std::nullopt;
  refusal_bytes_ += add_frame([&](std::string& out) {
    wire::append_status(out, opening.call, static_cast<int>(code::unimplemented), "this client serves nothing");
  });
  if (refusal_bytes_ <= limits_.refusal_bytes_max) return std::nullopt;
  return leave(code::resource_exhausted, "more calls are opened than this client refuses at once");
}

rpc::status call_table::on_error(std::error_code error) {
  if (error == errc::frame_too_large) return leave(code::resource_exhausted, error.message());
  if (error == errc::malformed_varint || error == errc::malformed_frame)
    return leave(code::invalid_argument, error.message());
  if (error == errc::end_of_stream) return {code::unavailable, "the server closed the connection"};
  return {code::unavailable, error.message()};
}

/// Notifies the server of what was wrong with what it sent.
rpc::status call_table::leave(code why, std::string_view text) {
  add_frame([&](std::string& out) { wire::append_status(out, 0, static_cast<int>(why), text); });
  return {code::unavailable, std::string(text)};
}

}  // namespace switchboard::client
