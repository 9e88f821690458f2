#pragma once

/// responder::delegate(): another actor answers the call.
///
///     void greet(const GreetRequest& request, rpc::responder<GreetReply> reply) {
///       reply.delegate(self_, elsewhere_, Greeter::greet{}, request);  // elsewhere_ is a Greeter::actor
///     }
///
/// Why        apart from the responder, which does without CAF's headers.
/// Threads    the handler's actor.
/// Errors     the other's error becomes the call's status (rpc/caf_error.hpp).

#include <memory>
#include <utility>

#include <caf/duration.hpp>
#include <caf/error.hpp>

#include <switchboard/rpc/caf_error.hpp>
#include <switchboard/rpc/call.hpp>

namespace switchboard::rpc {

template <class Reply>
template <class Self, class Handle, class... Ts>
void responder<Reply>::delegate(Self* self, const Handle& to, Ts&&... message) {
  // Shared, because CAF copies what it is given to call.
  auto call = std::make_shared<responder>(std::move(*this));
  self->request(to, caf::infinite, std::forward<Ts>(message)...)
      .then([call](Reply& reply) { call->reply(std::move(reply)); },
            [call](const caf::error& failure) { call->fail(to_status(failure)); });
}

}  // namespace switchboard::rpc
