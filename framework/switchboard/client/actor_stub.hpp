#pragma once

/// A remote service as an actor of this process: what it is sent becomes a call, what comes back becomes
/// the response.
///
///     auto echo = client::connect<Echo>(system, pump, *net::endpoint::parse("127.0.0.1:7778"));
///     self->request(echo, caf::infinite, Echo::say{}, request)
///         .then([](const SayReply& reply) { … }, [](const caf::error& failure) { … rpc::to_status(failure) … });
///     auto replies = rpc::make_pipe<SayReply>();
///     self->send(echo, Echo::repeat{}, request, rpc::passed<rpc::outbound<SayReply>>{std::move(replies.out)});
///     replies.in.receive(self, [](SayReply& reply) { … }, [](const rpc::status& how) { … });
///
/// Why        a service does not care whether it calls an actor beside it or a server elsewhere: both are Echo::actor.
/// Threads    any; the calls are made by an actor on the pump.
/// Owns       releasing the last handle ends the connection, and calls that are still open with UNAVAILABLE. An exit message
///            does the same. Handles end before their actor system, as all do.
/// Deadlines  a call made while a call is handled inherits that one's deadline (rpc::current_deadline()); elsewhere an
///            rpc::deadline_scope around the sending sets one; channel_options::timeout is what unary calls have
///            otherwise. When it has passed, the call ends with DEADLINE_EXCEEDED and is cancelled at the server.
/// Metadata   a call made while a call is handled carries that one's traceparent and tracestate on; an
///            rpc::metadata_scope around the sending adds to a request. Trailing metadata is in the status of a call
///            that failed (rpc::to_status) and of a stream's end; that of a unary call that succeeded is dropped.
/// Streams    credit on the wire is what the reader in this process grants, so a slow one holds the server back. A
///            reader that ends early cancels its call.
/// Errors     statuses as caf::error (rpc/caf_error.hpp), or as the end of a stream. A break ends what was sent with
///            UNAVAILABLE, and nothing is ever sent again. Without channel_options::reconnect it is also the end
///            of the actor, of which monitors and links are notified.

#include <caf/actor_cast.hpp>
#include <caf/fwd.hpp>
#include <caf/message_handler.hpp>
#include <caf/typed_actor.hpp>

#include <switchboard/client/channel_actor.hpp>
#include <switchboard/rpc/local_call.hpp>
#include <switchboard/rpc/method.hpp>
#include <switchboard/rpc/protobuf_message.hpp>
#include <switchboard/rpc/stream.hpp>

namespace switchboard::client {

namespace detail {

/// The handler of one method's typed message (rpc::signature).
template <class Tag>
caf::message_handler stub_method(channel_actor& self) {
  using rpc::method_kind;
  using request_type = typename Tag::request_type;
  using reply_type = typename Tag::reply_type;
  const auto respond = [](channel_actor& by) {
    return std::make_shared<single_reply<reply_type>>(rpc::responder<reply_type>{rpc::take_local_call<reply_type>(by)});
  };
  const auto stream = [](channel_actor& by, rpc::outbound<reply_type> to) {
    auto replies = std::make_shared<streamed_replies>(by.self_ptr(), by.next_number(), to.credit());
    to.follow(replies);
    return replies;
  };
  const auto opening = [](std::string request = {}) {
    return call_opening{.method = Tag::name, .kind = Tag::kind, .request = std::move(request)};
  };
  if constexpr (Tag::kind == method_kind::unary) {
    return {[=, &self](Tag, const request_type& request) -> caf::delegated<reply_type> {
      self.open(opening(request.SerializeAsString()), respond(self));
      return {};
    }};
  } else if constexpr (Tag::kind == method_kind::server_streaming) {
    return {[=, &self](Tag, const request_type& request, rpc::passed<rpc::outbound<reply_type>>& replies) {
      self.open(opening(request.SerializeAsString()), stream(self, replies.take()));
    }};
  } else if constexpr (Tag::kind == method_kind::client_streaming) {
    return {[=, &self](Tag, rpc::passed<rpc::inbound<request_type>>& requests) -> caf::delegated<reply_type> {
      self.open(opening(), respond(self), requests.take().take_bytes());
      return {};
    }};
  } else {
    return {[=, &self](Tag, rpc::passed<rpc::inbound<request_type>>& requests,
                       rpc::passed<rpc::outbound<reply_type>>& replies) {
      self.open(opening(), stream(self, replies.take()), requests.take().take_bytes());
    }};
  }
}

template <class... Tags>
channel_actor::methods stub_methods(rpc::method_list<Tags...>) {
  return [](channel_actor& self) {
    caf::message_handler all;
    ((all = all.or_else(stub_method<Tags>(self))), ...);
    return all;
  };
}

caf::strong_actor_ptr connect(caf::actor_system& system, std::shared_ptr<notification_pump> pump, net::endpoint to,
                              channel_options options, channel_actor::methods of_service);

}  // namespace detail

/// `Service` is a generated struct. Does not wait: what is sent before the connection is made waits for it.
template <class Service>
typename Service::actor connect(caf::actor_system& system, std::shared_ptr<notification_pump> pump, net::endpoint to,
                                channel_options options = {}) {
  return caf::actor_cast<typename Service::actor>(detail::connect(
      system, std::move(pump), std::move(to), std::move(options), detail::stub_methods(typename Service::methods{})));
}

}  // namespace switchboard::client
