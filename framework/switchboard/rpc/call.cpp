#include <switchboard/error/invariant.hpp>
#include <switchboard/rpc/allowance.hpp>
#include <switchboard/rpc/answers.hpp>
#include <switchboard/rpc/call.hpp>
#include <switchboard/rpc/retry_info.hpp>
#include <switchboard/rpc/turn.hpp>
#include <switchboard/wire/frame_encoder.hpp>

namespace switchboard::rpc {
namespace {

/// The answer to `call` is the frame that begins at `begin` and ends `to.frames`.
void end_with_last_frame(answers& to, std::uint64_t call, std::size_t begin, code how, const metadata* trailing) {
  to.ends.push_back({call, static_cast<std::uint32_t>(to.frames.size() - begin), how});
  // Where some pairs did not fit, the connection logs it.
  if (trailing && (!trailing->empty() || trailing->refused() > 0))
    to.trailers.push_back({to.ends.size() - 1, *trailing});
}

}  // namespace

call_handle& call_handle::operator=(call_handle&& other) noexcept {
  if (this != &other) {
    abandon();
    call_ = std::move(other.call_);
    credit_ = other.credit_;
  }
  return *this;
}

void call_handle::watch(actor_ref who) {
  SWITCHBOARD_INVARIANT(*this, "a call was watched after its answer");
  if (is_local()) return;
  turn::answer(call_.from_, [&](answers& to) {
    to.watches.push_back(
        {call_.number_, call_.method_, end_notice{std::move(who).strong(), {call_.from_->id, call_.number_}}});
  });
  // At once: the call may be handed to another actor, whose answer must not come first.
  turn::flush(call_.from_);
}

void call_handle::fail(status reason) {
  SWITCHBOARD_INVARIANT(*this, "a call was answered twice");
  if (is_local())
    call_.from_->local->fail(reason);
  else
    turn::answer(call_.from_, [&](answers& to) {
      const auto begin = to.frames.size();
      wire::append_status(to.frames, call_.number_, static_cast<int>(reason.code), reason.message,
                          retry_info(reason.retry_after));
      end_with_last_frame(to, call_.number_, begin, reason.code, &reason.trailing);
    });
  call_.from_ = nullptr;
}

void call_handle::finish(const google::protobuf::MessageLite& reply, const metadata* trailing) {
  const auto payload = reply.ByteSizeLong();
  finish_with(payload, trailing,
              [&](std::string& out) { wire::append_message(out, call_.number_, reply, payload, true); });
}

void call_handle::finish_serialized(std::string&& reply) {
  finish_with(reply.size(), nullptr, [&](std::string& out) {
    const bool becomes_the_frames = out.empty() && reply.size() > out.capacity() && reply.size() > reply.capacity() / 2;
    if (!becomes_the_frames) return wire::append_message(out, call_.number_, reply, true);
    wire::append_message_header(out, call_.number_, reply.size(), true);
    reply.insert(0, out);
    out.swap(reply);
  });
}

/// Answers with a reply of `payload` bytes, whose frame `append(std::string&)` appends.
template <class Append>
void call_handle::finish_with(std::size_t payload, const metadata* trailing, Append&& append) {
  SWITCHBOARD_INVARIANT(*this, "a call was answered twice");
  const auto limit = call_.from_->frame_limit;
  if (payload + wire::message_overhead_max > limit && wire::message_frame_size(call_.number_, payload, true) > limit)
    return fail(code::resource_exhausted, "frame_bytes_max: the reply of " + std::to_string(payload) +
                                              " bytes is above the frame limit of " + std::to_string(limit));
  turn::answer(call_.from_, [&](answers& to) {
    const auto begin = to.frames.size();
    append(to.frames);
    end_with_last_frame(to, call_.number_, begin, code::ok, trailing);
  });
  call_.from_ = nullptr;
}

void call_handle::finish_local(google::protobuf::MessageLite&& reply) {
  SWITCHBOARD_INVARIANT(*this, "a call was answered twice");
  call_.from_->local->reply(std::move(reply));
  call_.from_ = nullptr;
}

void call_handle::stream_from(std::shared_ptr<source> from) {
  SWITCHBOARD_INVARIANT(*this, "a stream was started on a call that is answered");
  turn::answer(call_.from_, [&](answers& to) {
    to.streams.push_back({call_.number_, passed_source{std::move(from)}});
  });
  call_.from_ = nullptr;
}

void call_handle::abandon() noexcept {
  if (!*this) return;
  // No frame is made for a connection that is gone.
  if (const auto& allowance = call_.from_->allowance; allowance && allowance->closed())
    call_.from_ = nullptr;
  else
    fail(abandoned_status());
}

status abandoned_status() {
  if (const auto* now = turn::current(); now && now->actor_ends()) return {code::unavailable, "the service ended"};
  return {code::internal, "the service let go of the call"};
}

}  // namespace switchboard::rpc
