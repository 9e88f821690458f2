#pragma once

/// A call that came as a typed message of an actor in this process, or of one in another CAF node.
///
/// Why        the typed interface reaches the same handlers as the network; what they hold is a responder all the same.
///            The reply moves into the response: it is not copied, nor serialized while it stays in the process.
/// Threads    take_local_call: the handler's actor. The responder, as ever, belongs to one thread at a time.
/// Owns       a reference to the caller's actor.
/// Errors     statuses arrive as caf::error (rpc/caf_error.hpp). A caller that is gone gets none.

#include <memory>
#include <utility>

#include <caf/local_actor.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/message.hpp>

#include <switchboard/rpc/caf_error.hpp>
#include <switchboard/rpc/call.hpp>

namespace switchboard::rpc {

namespace detail {

template <class Reply>
class local_reply final : public local_answer {
public:
  local_reply(caf::strong_actor_ptr from, caf::strong_actor_ptr to, caf::message_id request) noexcept
      : from_(std::move(from)), to_(std::move(to)), request_(request) {}

  void reply(google::protobuf::MessageLite&& message) override {
    respond(caf::make_message(std::move(static_cast<Reply&>(message))));
  }
  void fail(const status& reason) override { respond(caf::make_message(to_error(reason))); }

private:
  void respond(caf::message content) {
    // A message that was sent, and not requested, gets no response.
    if (to_ && request_.is_request())
      to_->enqueue(caf::make_mailbox_element(from_, request_.response_id(), {}, std::move(content)), nullptr);
  }

  const caf::strong_actor_ptr from_;
  const caf::strong_actor_ptr to_;
  const caf::message_id request_;
};

}  // namespace detail

/// Takes over the answering of the message that `self` handles now.
template <class Reply>
call_handle take_local_call(caf::local_actor& self) {
  const auto to = self.current_sender();
  auto from = std::make_shared<caller>();
  from->peer = "local";
  from->local = std::make_shared<detail::local_reply<Reply>>(caf::actor_cast<caf::strong_actor_ptr>(&self), to,
                                                             self.take_current_message_id());
  return call_handle{call_context{std::move(from), 0, time_point::max(), nullptr}};
}

}  // namespace switchboard::rpc
