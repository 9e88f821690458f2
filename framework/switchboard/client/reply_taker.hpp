#pragma once

/// Where the replies of an actor stub's call go: into a response, or into a stream that an actor of this process reads.
///
/// Threads    the channel's actor's; of streamed_replies the reader's half is the reader's.
/// Owns       the call's answer: taken and ended once.
/// Errors     what take() says is why the call is to be cancelled.

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include <caf/allowed_unsafe_message_type.hpp>
#include <google/protobuf/message_lite.h>

#include <switchboard/client/call_table.hpp>
#include <switchboard/rpc/answers.hpp>
#include <switchboard/rpc/call.hpp>
#include <switchboard/rpc/source.hpp>
#include <switchboard/rpc/stream_queue.hpp>

namespace switchboard::client {

class reply_taker {
public:
  virtual ~reply_taker() = default;
  /// One serialized reply. Anything but OK: why no more is taken.
  virtual rpc::status take(std::string_view message, caf::execution_unit* context) = 0;
  /// The call is over; the last thing that is called.
  virtual void end(const rpc::status& how, caf::execution_unit* context) = 0;
  /// How many more replies may come than were said before.
  virtual std::uint32_t take_credit() { return 0; }
};

/// One reply, for the actor that asked.
template <class Reply>
class single_reply final : public reply_taker {
public:
  explicit single_reply(rpc::responder<Reply> to) : to_(std::move(to)) {}

  rpc::status take(std::string_view message, caf::execution_unit*) override {
    taken_ = true;
    if (!reply_.ParseFromArray(message.data(), static_cast<int>(message.size())))
      return {rpc::code::internal, "the reply is not a " + reply_.GetTypeName()};
    return {};
  }
  void end(const rpc::status& how, caf::execution_unit*) override {
    // A reply that a status follows is a failed call.
    if (!how.ok())
      to_.fail(how);
    else if (!taken_)
      to_.fail(rpc::code::internal, "the server answered OK without a message");
    else
      to_.reply(std::move(reply_));
  }

private:
  rpc::responder<Reply> to_;
  Reply reply_;
  bool taken_ = false;
};

/// To the channel's actor: the reader of a call's replies takes more, or reads no more.
struct replies_wanted {
  std::uint64_t call;
};
struct replies_unwanted {
  std::uint64_t call;
};

/// A stream of replies, drawn by its reader. What the reader grants is what the server may send.
class streamed_replies final : public reply_taker, public rpc::source {
public:
  /// `credit`: replies that the reader takes from the start.
  streamed_replies(caf::strong_actor_ptr channel, std::uint64_t call, std::uint32_t credit)
      : call_(call), channel_(std::move(channel)), queue_(credit, reply_backlog_max), wanted_(credit) {}

  rpc::status take(std::string_view message, caf::execution_unit* context) override;
  void end(const rpc::status& how, caf::execution_unit* context) override;
  std::uint32_t take_credit() override;

  void attach(rpc::waker reader) override { queue_.attach(std::move(reader)); }
  outcome next(rpc::payload& out) override { return queue_.next(out); }
  rpc::status result() const override { return queue_.result(); }
  bool ended() override { return queue_.ended(); }
  void granted(std::uint32_t more, caf::execution_unit* context) override;
  void detach() override;

private:
  /// Null once the call is over: the reader may keep this for longer than the channel may be kept.
  caf::strong_actor_ptr channel();

  const std::uint64_t call_;
  std::mutex mutex_;
  caf::strong_actor_ptr channel_;
  rpc::stream_queue queue_;
  std::atomic<std::uint64_t> wanted_;  // granted, and not passed on to the server yet
};

}  // namespace switchboard::client

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::client::replies_wanted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::client::replies_unwanted)
