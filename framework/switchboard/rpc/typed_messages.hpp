#pragma once

/// A method's typed messages (rpc::signature), as the actor of a service takes them: what Echo::actor and other actors send.
///
/// Why        apart from the service's own header, because they need CAF: the generated source of a .proto file has them for
///            each of its methods, compiled once, and the service that is written for them needs none of it.
/// Threads    the service's actor.
/// Errors     what a handler throws is its call's, as of one from the network.

#include <utility>

#include <caf/delegated.hpp>
#include <caf/message_handler.hpp>

#include <switchboard/rpc/local_call.hpp>
#include <switchboard/rpc/protobuf_message.hpp>
#include <switchboard/rpc/service.hpp>
#include <switchboard/rpc/service_actor.hpp>
#include <switchboard/rpc/stream.hpp>

namespace switchboard::rpc {

template <class Tag>
void add_typed_messages(caf::message_handler& to, service_actor* self, void* service,
                        const typename erased_handler<Tag>::type& handler) {
  using request_type = typename Tag::request_type;
  using reply_type = typename Tag::reply_type;
  if constexpr (Tag::kind == method_kind::unary) {
    to = to.or_else([=](Tag, request_type& request) -> caf::delegated<reply_type> {
      call_handle call = take_local_call<reply_type>(*self);
      self->run(Tag::name, [&] { handler(service, request, call); });
      return {};
    });
  } else if constexpr (Tag::kind == method_kind::server_streaming) {
    to = to.or_else([=](Tag, request_type& request, passed<outbound<reply_type>>& replies) {
      self->run(Tag::name, [&] { handler(service, request, replies.take()); });
    });
  } else if constexpr (Tag::kind == method_kind::client_streaming) {
    to = to.or_else([=](Tag, passed<inbound<request_type>>& requests) -> caf::delegated<reply_type> {
      responder<reply_type> reply{take_local_call<reply_type>(*self)};
      self->run(Tag::name, [&] { handler(service, requests.take(), std::move(reply)); });
      return {};
    });
  } else {
    to = to.or_else([=](Tag, passed<inbound<request_type>>& requests, passed<outbound<reply_type>>& replies) {
      self->run(Tag::name, [&] { handler(service, requests.take(), replies.take()); });
    });
  }
}

}  // namespace switchboard::rpc
