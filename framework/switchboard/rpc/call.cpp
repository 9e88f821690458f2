#include <algorithm>

#include <caf/mailbox_element.hpp>

#include <switchboard/rpc/call.hpp>
#include <switchboard/wire/block_stock.hpp>
#include <switchboard/wire/frame_encoder.hpp>

namespace switchboard::rpc {
namespace {

thread_local answer_collector* collector = nullptr;
thread_local int unwinding_depth = 0;

void send(const caller& to, answers content, caf::execution_unit* context) {
  if (to.backlog) to.backlog->sent(content.bytes());
  to.connection->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, std::move(content)), context);
}

/// The answer to `call` is the frame that begins at `begin` and ends `to.frames`.
void end_with_last_frame(answers& to, std::uint64_t call, std::size_t begin, code how, const metadata* trailing) {
  to.ends.push_back({call, static_cast<std::uint32_t>(to.frames.size() - begin), how});
  // Where some pairs did not fit, the connection says so.
  if (trailing && (!trailing->empty() || trailing->refused() > 0))
    to.trailers.push_back({to.ends.size() - 1, *trailing});
}

}  // namespace

std::size_t answers::bytes() const noexcept {
  auto all = frames.size();
  for (const auto& each : trailers) all += each.pairs.fields().size();
  return all;
}

answer_collector::answer_collector(caf::execution_unit* context) noexcept : context_(context), outer_(collector) {
  collector = this;
}

answer_collector::~answer_collector() {
  collector = outer_;
  flush();
}

answers& answer_collector::content_for(const std::shared_ptr<const caller>& to) {
  // From the back: calls of one batch come from one connection.
  for (auto it = parcels_.rbegin(); it != parcels_.rend(); ++it) {
    if (it->to != to) continue;
    if (it->content.frames.size() >= frame_bytes_max) send(*to, std::exchange(it->content, {}), context_);
    return it->content;
  }
  if (parcels_.size() == connections_max) flush();
  return parcels_.emplace_back(parcel{to, {}}).content;
}

void answer_collector::expect(const std::shared_ptr<const caller>& to, std::size_t answers, std::size_t bytes) {
  auto& content = content_for(to);
  content.ends.reserve(answers);
  if (content.frames.empty()) content.frames = wire::take_block(std::min(bytes, frame_bytes_max));
}

void answer_collector::flush() {
  for (auto& each : parcels_) {
    const auto& content = each.content;
    // What was expected and did not come leaves nothing to send.
    if (content.empty()) continue;
    send(*each.to, std::move(each.content), context_);
  }
  parcels_.clear();
}

void answer_collector::flush(const std::shared_ptr<const caller>& to) {
  auto& content = content_for(to);
  if (!content.empty()) send(*to, std::exchange(content, {}), context_);
}

void end_notice::deliver(caf::execution_unit* context) noexcept {
  if (const auto watcher = std::exchange(watcher_, nullptr))
    watcher->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, what_), context);
}

unwinding::unwinding() noexcept {
  ++unwinding_depth;
}
unwinding::~unwinding() {
  --unwinding_depth;
}

void answer_collector::grant(const std::shared_ptr<const caller>& to, answers::grant more) {
  if (collector) {
    collector->content_for(to).grants.push_back(more);
  } else {
    answers single;
    single.grants.push_back(more);
    send(*to, std::move(single), nullptr);
  }
}

call_handle& call_handle::operator=(call_handle&& other) noexcept {
  if (this != &other) {
    abandon();
    call_ = std::move(other.call_);
    credit_ = other.credit_;
  }
  return *this;
}

template <class Fill>
void call_handle::deliver(Fill&& fill) const {
  if (collector) {
    fill(collector->content_for(call_.from_));
  } else {
    answers single;
    fill(single);
    send(*call_.from_, std::move(single), nullptr);
  }
}

void call_handle::watch(caf::strong_actor_ptr who) {
  SWITCHBOARD_INVARIANT(*this, "a call was watched after its answer");
  if (is_local()) return;
  deliver([&](answers& to) {
    to.watches.push_back({call_.number_, call_.method_, end_notice{std::move(who), {call_.from_->id, call_.number_}}});
  });
  // At once: the call may be handed to another actor, whose answer must not come first.
  if (collector) collector->flush(call_.from_);
}

void call_handle::fail(status reason) {
  SWITCHBOARD_INVARIANT(*this, "a call was answered twice");
  if (is_local())
    call_.from_->local->fail(reason);
  else
    deliver([&](answers& to) {
      const auto begin = to.frames.size();
      wire::append_status(to.frames, call_.number_, static_cast<int>(reason.code), reason.message);
      end_with_last_frame(to, call_.number_, begin, reason.code, &reason.trailing);
    });
  call_.from_ = nullptr;
}

void call_handle::finish(const google::protobuf::MessageLite& reply, const metadata* trailing) {
  const auto payload = reply.ByteSizeLong();
  finish_with(payload, trailing,
              [&](std::string& out) { wire::append_message(out, call_.number_, reply, payload, true); });
}

void call_handle::finish_serialized(std::string_view reply) {
  finish_with(reply.size(), nullptr, [&](std::string& out) { wire::append_message(out, call_.number_, reply, true); });
}

/// Answers with a reply of `payload` bytes, whose frame `append(std::string&)` appends.
template <class Append>
void call_handle::finish_with(std::size_t payload, const metadata* trailing, Append&& append) {
  SWITCHBOARD_INVARIANT(*this, "a call was answered twice");
  if (wire::message_frame_size(call_.number_, payload, true) > call_.from_->frame_limit)
    return fail(code::resource_exhausted, "the reply of " + std::to_string(payload) +
                                              " bytes is above the frame limit of " +
                                              std::to_string(call_.from_->frame_limit));
  deliver([&](answers& to) {
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
  deliver([&](answers& to) { to.streams.push_back({call_.number_, passed_source{std::move(from)}}); });
  call_.from_ = nullptr;
}

void call_handle::abandon() noexcept {
  if (*this) fail(abandoned_status());
}

status abandoned_status() {
  if (unwinding_depth > 0) return {code::unavailable, "the service ended"};
  return {code::internal, "the service let go of the call"};
}

}  // namespace switchboard::rpc
