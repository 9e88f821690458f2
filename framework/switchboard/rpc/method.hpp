#pragma once

/// A method of a service: as a type, which generated code makes of each, and at run time, where calls look it up.
///
///     struct say : rpc::unary_method<SayRequest, SayReply> {
///       static constexpr std::string_view name = "switchboard.echo.v1.Echo/Say";
///     };
///
/// Why        CAF selects handlers by type alone, and methods may share a request type: a message's first element is
///            the method's tag. The signatures say what the actor that serves it takes; CAF's types in them are only
///            declared here, and are complete where <caf/typed_actor.hpp> is included.
/// Threads    types, and values that are immutable once served.

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

#include <google/protobuf/message.h>

#include <switchboard/rpc/caf_forward.hpp>
#include <switchboard/rpc/method_kind.hpp>
#include <switchboard/rpc/only_moved.hpp>

namespace switchboard::rpc {

template <class Message>
class inbound;
template <class Message>
class outbound;
template <class Reply>
class responder;

/// How a move-only handle travels in a CAF message.
template <class T>
using passed = only_moved<T>;

/// Base of all tags: empty structs that name a method.
struct any_method {};

template <method_kind Kind, class Request, class Reply>
struct method_tag : any_method {
  static constexpr method_kind kind = Kind;
  using request_type = Request;
  using reply_type = Reply;
};
template <class Request, class Reply>
using unary_method = method_tag<method_kind::unary, Request, Reply>;
template <class Request, class Reply>
using server_streaming_method = method_tag<method_kind::server_streaming, Request, Reply>;
template <class Request, class Reply>
using client_streaming_method = method_tag<method_kind::client_streaming, Request, Reply>;
template <class Request, class Reply>
using bidirectional_method = method_tag<method_kind::bidirectional, Request, Reply>;

/// A tag carries nothing.
template <class Inspector, class Tag>
requires std::is_base_of_v<any_method, Tag>
typename Inspector::result_type inspect(Inspector& with, Tag&) {
  return with();
}

/// The methods of a service in the order of the .proto.
template <class... Tags>
struct method_list {};

namespace detail {

template <class Tag, method_kind Kind, class Request, class Reply>
struct signature_of;
template <class Input, class... Output>
using takes = caf::typed_mpi<Input, caf::output_tuple<Output...>>;
template <class... Input>
using input = caf::detail::type_list<Input...>;
template <class Tag, class Request, class Reply>
struct signature_of<Tag, method_kind::unary, Request, Reply> {
  using type = takes<input<Tag, Request>, Reply>;
};
template <class Tag, class Request, class Reply>
struct signature_of<Tag, method_kind::server_streaming, Request, Reply> {
  using type = takes<input<Tag, Request, passed<outbound<Reply>>>, void>;
};
template <class Tag, class Request, class Reply>
struct signature_of<Tag, method_kind::client_streaming, Request, Reply> {
  using type = takes<input<Tag, passed<inbound<Request>>>, Reply>;
};
template <class Tag, class Request, class Reply>
struct signature_of<Tag, method_kind::bidirectional, Request, Reply> {
  using type = takes<input<Tag, passed<inbound<Request>>, passed<outbound<Reply>>>, void>;
};

}  // namespace detail

/// What a typed actor that serves the method takes. A caller that streams passes the ends that the service reads from and
/// writes to (rpc/stream.hpp, make_pipe).
template <class Tag>
using signature =
    typename detail::signature_of<Tag, Tag::kind, typename Tag::request_type, typename Tag::reply_type>::type;

struct incoming_call;
class service_actor;

/// A method as connections and service actors meet it.
struct method {
  std::string name;  ///< "package.Service/Method", as on the wire
  method_kind kind = method_kind::unary;
  const google::protobuf::Message* request = nullptr;  ///< prototypes
  const google::protobuf::Message* reply = nullptr;
  /// Parses and handles one call with the service object `self`. Lets through what the handler throws.
  std::function<void(void* self, incoming_call& call)> handle;
  /// Whether its handler takes the request's metadata, which then is kept whole (rpc/metadata.hpp).
  bool reads_metadata = false;
  static constexpr std::size_t default_answer_bytes_max = 4096;
  /// The most that its answer takes beyond its request, from when it is begun until it is sent.
  std::size_t answer_bytes_max = default_answer_bytes_max;

  /// The method as its .proto describes it, with its options; null where no linked .proto does.
  const google::protobuf::MethodDescriptor* descriptor() const;
};

}  // namespace switchboard::rpc
