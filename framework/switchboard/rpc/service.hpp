#pragma once

/// A service by name: which methods it has and which member function serves each.
///
///     rpc::service<echo>("switchboard.echo.v1.Echo")
///         .unary("Say", &echo::say)
///         .server_streaming("Repeat", &echo::repeat)
///
/// Why        connections look methods up in this description before any actor is involved; the service's object is
///            made inside its actor, and anew each time that actor is.
/// Handlers   unary: `Reply f(const Request&)`, `result<Reply> f(const Request&)`, or `void f(Request&,
///            responder<Reply>)` to answer later; server streaming: `void f(Request&, outbound<Reply>)`. They get
///            parsed requests; what does not parse is answered INVALID_ARGUMENT. A handler that throws lets go of its
///            call, which answers INTERNAL; the service lives on.
/// Messages   a service with a member `caf::message_handler messages()` gets other messages to its actor there
///            (call_ended, say).
/// Threads    the description is immutable once served; handlers run one at a time, in the service's actor.
/// Errors     a name, type or kind that contradicts the .proto, and a method left out, are found by check().

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include <caf/fwd.hpp>
#include <caf/message_handler.hpp>
#include <google/protobuf/message.h>

#include <switchboard/rpc/call.hpp>

namespace switchboard::rpc {

/// A reply, or the status to fail with.
template <class Reply>
using result = std::variant<Reply, status>;

struct method {
  std::string name;  ///< "package.Service/Method", as on the wire
  bool server_streaming = false;
  const google::protobuf::Message* request = nullptr;  ///< prototypes, for check()
  const google::protobuf::Message* reply = nullptr;
  /// Parses and handles one call with the service object `self`. Lets through what the handler throws.
  std::function<void(void* self, call_handle call, std::string_view request_bytes)> handle;
};

class service_definition {
public:
  using factory = std::function<std::shared_ptr<void>(caf::event_based_actor* self)>;
  using message_handlers = std::function<caf::message_handler(void* self)>;

  service_definition(std::string name, factory make, message_handlers messages)
      : name_(std::move(name)), make_(std::move(make)), messages_(std::move(messages)) {}

  const std::string& name() const noexcept { return name_; }
  const std::vector<method>& methods() const noexcept { return methods_; }
  /// The object that serves, made in the actor `self`.
  std::shared_ptr<void> make(caf::event_based_actor* self) const { return make_(self); }
  /// Handlers of other messages to the actor; empty where the service has none.
  caf::message_handler messages(void* service) const { return messages_(service); }
  void add(method added) { methods_.push_back(std::move(added)); }
  /// What contradicts the service's .proto, in a sentence; empty when nothing does.
  std::string check() const;

private:
  std::string name_;
  factory make_;
  message_handlers messages_;
  std::vector<method> methods_;
};

/// Fails `call` because its request did not parse.
void refuse_malformed(call_handle& call, const google::protobuf::Message& request);

template <class Service>
class service_builder {
public:
  service_builder(std::string name, service_definition::factory make)
      : definition_(std::move(name), std::move(make), [](void* self) -> caf::message_handler {
          if constexpr (requires(Service & service) { service.messages(); })
            return static_cast<Service*>(self)->messages();
          else
            return {};
        }) {}

  template <class Answer, class Request>
  requires(!std::is_void_v<Answer>) service_builder &&
      unary(std::string_view name, Answer (Service::*handler)(Request)) && {
    return std::move(*this).template add_immediate<std::remove_cvref_t<Request>, Answer>(name, handler);
  }
  template <class Answer, class Request>
  requires(!std::is_void_v<Answer>) service_builder &&
      unary(std::string_view name, Answer (Service::*handler)(Request) const) && {
    return std::move(*this).template add_immediate<std::remove_cvref_t<Request>, Answer>(name, handler);
  }
  template <class Request, class Reply>
  service_builder&& unary(std::string_view name, void (Service::*handler)(Request, responder<Reply>)) && {
    return std::move(*this).template add<std::remove_cvref_t<Request>, Reply, responder<Reply>>(name, false, handler);
  }
  template <class Request, class Reply>
  service_builder&& server_streaming(std::string_view name, void (Service::*handler)(Request, outbound<Reply>)) && {
    return std::move(*this).template add<std::remove_cvref_t<Request>, Reply, outbound<Reply>>(name, true, handler);
  }

  operator service_definition() && { return std::move(definition_); }

private:
  template <class Reply>
  struct reply_of {
    using type = Reply;
  };
  template <class Reply>
  struct reply_of<result<Reply>> {
    using type = Reply;
  };

  template <class Request, class Answer, class Handler>
  service_builder&& add_immediate(std::string_view name, Handler handler) && {
    using reply_type = typename reply_of<Answer>::type;
    define<Request, reply_type>(name, false, [handler](Service& self, Request& request, call_handle& call) {
      // The call stays in `call` until the handler has returned, so that one that throws is still there to be failed.
      result<reply_type> answer = (self.*handler)(request);
      responder<reply_type> out{std::move(call)};
      if (auto* reply = std::get_if<0>(&answer))
        out.reply(*reply);
      else
        out.fail(std::move(std::get<1>(answer)));
    });
    return std::move(*this);
  }

  template <class Request, class Reply, class Responder, class Handler>
  service_builder&& add(std::string_view name, bool streaming, Handler handler) && {
    define<Request, Reply>(name, streaming, [handler](Service& self, Request& request, call_handle& call) {
      (self.*handler)(request, Responder{std::move(call)});
    });
    return std::move(*this);
  }

  template <class Request, class Reply, class Serve>
  void define(std::string_view name, bool streaming, Serve serve) {
    definition_.add({definition_.name() + "/" + std::string(name), streaming, &Request::default_instance(),
                     &Reply::default_instance(), [serve](void* self, call_handle call, std::string_view bytes) {
                       Request request;
                       if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
                         return refuse_malformed(call, request);
                       serve(*static_cast<Service*>(self), request, call);
                     }});
  }

  service_definition definition_;
};

/// A service served by `Service`, made by `make(self)`, or by its constructor from the actor or from nothing.
template <class Service>
service_builder<Service> service(std::string name,
                                 std::function<std::unique_ptr<Service>(caf::event_based_actor*)> make) {
  return {std::move(name), [make = std::move(make)](caf::event_based_actor* self) -> std::shared_ptr<void> {
            return std::shared_ptr<Service>(make(self));
          }};
}
template <class Service>
service_builder<Service> service(std::string name) {
  return {std::move(name), [](caf::event_based_actor* self) -> std::shared_ptr<void> {
            if constexpr (std::is_constructible_v<Service, caf::event_based_actor*>)
              return std::make_shared<Service>(self);
            else
              return std::make_shared<Service>();
          }};
}

}  // namespace switchboard::rpc
