#pragma once

/// A service: which methods it has, which member function serves each, and in how many actors.
///
///     server.add(Echo::service<echo>());                          // generated from the .proto, checked by the compiler
///
///     rpc::service<echo>("switchboard.echo.v1.Echo")              // by hand, checked when the server starts
///         .unary("Say", &echo::say)
///         .server_streaming("Repeat", &echo::repeat)
///
/// Why        connections look methods up in this description before any actor is involved; the service's object is
///            made inside its actor, and anew each time that actor is.
/// Handlers   unary: `Reply f(Request&)` or `rpc::result<Reply> f(Request&)` (either may take the call's `const
///            rpc::call_context&` after it), or `void f(Request&, rpc::responder<Reply>)` to answer later.
///            server streaming: `void f(Request&, rpc::outbound<Reply>)`
///            client streaming: `void f(rpc::inbound<Request>, rpc::responder<Reply>)`
///            bidirectional:    `void f(rpc::inbound<Request>, rpc::outbound<Reply>)`
///            Any may take the request's `const rpc::metadata&` last; it is kept only for those that do.
///            A request may be taken by const reference or by value too. It is parsed; what does not parse is answered
///            INVALID_ARGUMENT. A handler that throws drops its call, which answers INTERNAL; the service lives
///            on.
/// Answers    of at most 4 KiB beyond their request, unless answer_bytes_max<Tag>() says more of a method: the connection
///            reserves that before it has a call run. A larger one is sent too, and charged when it is made.
/// Hosting    one actor for all callers; per_connection(): one for each connection, made with its first call, ended
///            with it; per_key("field"): one for each value of a field that every request has.
/// Messages   a service with a member `caf::message_handler messages()` gets other messages to its actor there
///            (call_ended, say). It includes <caf/message_handler.hpp>; one that spawns, sends or asks to be called back
///            includes <switchboard/rpc/service_actor.hpp>. This header needs none of CAF's.
/// Threads    the description is immutable once served; handlers run one at a time, in the service's actor.
/// Errors     a name, type or kind that contradicts the .proto, and a method left out, are found by check().

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include <google/protobuf/message.h>

#include <switchboard/rpc/call.hpp>
#include <switchboard/rpc/incoming_call.hpp>
#include <switchboard/rpc/method.hpp>
#include <switchboard/rpc/result.hpp>
#include <switchboard/rpc/stream.hpp>

namespace switchboard::rpc {

class service_actor;

enum class hosting : unsigned char { one_for_all, per_connection, per_key };

class service_definition {
public:
  using factory = std::function<std::shared_ptr<void>(service_actor* self)>;
  /// Adds handlers of the service's own messages.
  using message_handlers = void (*)(void* service, caf::message_handler& to);
  /// Adds handlers of a method's typed messages (rpc/typed_messages.hpp).
  using typed_handlers = std::function<void(service_actor* self, void* service, caf::message_handler& to)>;

  /// The most actors that one service may have, one for each key or connection; calls that need one more are answered
  /// RESOURCE_EXHAUSTED.
  static constexpr std::size_t default_actors_max = 10'000;

  service_definition(std::string name, factory make, message_handlers add_messages = nullptr);
  // Defined in the library, and not in each source that describes a service.
  service_definition(const service_definition&);
  service_definition(service_definition&&) noexcept;
  service_definition& operator=(const service_definition&);
  service_definition& operator=(service_definition&&) noexcept;
  ~service_definition();

  service_definition&& per_connection() &&;
  /// `field`: a string, bytes, integer, bool or enum field at the top of every request.
  service_definition&& per_key(std::string field) &&;
  service_definition&& at_most(std::size_t actors) &&;
  /// The most that an answer of the method `Tag` takes beyond its request, from when it is begun until it is sent.
  /// @pre the service has the method
  template <class Tag>
  service_definition&& answer_bytes_max(std::size_t bytes) && {
    declare_answer(Tag::name, bytes);
    return std::move(*this);
  }

  const std::string& name() const noexcept { return name_; }
  const std::vector<method>& methods() const noexcept { return methods_; }
  rpc::hosting hosting() const noexcept { return hosting_; }
  const std::string& key_field() const noexcept { return key_field_; }
  std::size_t actors_max() const noexcept { return actors_max_; }

  /// The object that serves, made in the actor `self`.
  std::shared_ptr<void> make(service_actor* self) const { return make_(self); }
  /// What the actor handles besides calls: the methods as typed messages, and the service's own.
  caf::message_handler messages(service_actor* self, void* service) const;

  void add(method added);
  void add(typed_handlers of_method);
  /// What contradicts the service's .proto, in a sentence; empty when nothing does.
  std::string check() const;

private:
  void declare_answer(std::string_view method, std::size_t bytes);

  std::string name_;
  factory make_;
  message_handlers add_messages_;
  std::vector<method> methods_;
  std::vector<typed_handlers> typed_;
  rpc::hosting hosting_ = rpc::hosting::one_for_all;
  std::string key_field_;
  std::size_t actors_max_ = default_actors_max;
};

/// Fails `call` because its request did not parse.
void refuse_malformed(call_handle& call, const google::protobuf::Message& request);

namespace detail {

template <class Wanted, class... Arguments>
inline constexpr bool takes_last =
    std::is_same_v<std::tuple_element_t<sizeof...(Arguments), std::tuple<void, Arguments...>>, Wanted>;

/// What a member function's type says of a handler.
template <class Function>
struct handler_type;
template <class Service, class Result, class... Arguments>
struct handler_type<Result (Service::*)(Arguments...)> {
  using service = Service;
  using result = Result;
  using arguments = std::tuple<Arguments...>;
  using plain_arguments = std::tuple<std::remove_cvref_t<Arguments>...>;
  static constexpr bool reads_metadata = takes_last<metadata, std::remove_cvref_t<Arguments>...>;
  /// Without the request's metadata.
  static constexpr std::size_t count = sizeof...(Arguments) - (reads_metadata ? 1 : 0);
};
template <class Service, class Result, class... Arguments>
struct handler_type<Result (Service::*)(Arguments...) const> : handler_type<Result (Service::*)(Arguments...)> {};
template <class Service, class Result, class... Arguments>
struct handler_type<Result (Service::*)(Arguments...) noexcept> : handler_type<Result (Service::*)(Arguments...)> {};
template <class Service, class Result, class... Arguments>
struct handler_type<Result (Service::*)(Arguments...) const noexcept>
    : handler_type<Result (Service::*)(Arguments...)> {};

template <class Function>
concept member_function = requires {
  typename handler_type<Function>::service;
};

template <class Function, class Result, class... Arguments>
concept returns_for = std::is_same_v<typename handler_type<Function>::result, Result> &&
    (std::is_same_v<typename handler_type<Function>::plain_arguments, std::tuple<Arguments...>> ||
     std::is_same_v<typename handler_type<Function>::plain_arguments, std::tuple<Arguments..., metadata>>);

template <class Function, class Result, class Request>
concept answers_at_once =
    returns_for<Function, Result, Request> || returns_for<Function, Result, Request, call_context>;

template <method_kind Kind, class Request, class Reply, class Function>
constexpr bool fits() {
  if constexpr (!member_function<Function>)
    return false;
  else if constexpr (Kind == method_kind::unary)
    return answers_at_once<Function, Reply, Request> || answers_at_once<Function, result<Reply>, Request> ||
           returns_for<Function, void, Request, responder<Reply>>;
  else if constexpr (Kind == method_kind::server_streaming)
    return returns_for<Function, void, Request, outbound<Reply>>;
  else if constexpr (Kind == method_kind::client_streaming)
    return returns_for<Function, void, inbound<Request>, responder<Reply>>;
  else
    return returns_for<Function, void, inbound<Request>, outbound<Reply>>;
}

template <class T>
struct message_of {
  using type = T;
};
template <class T>
struct message_of<result<T>> : message_of<T> {};
template <class T>
struct message_of<responder<T>> : message_of<T> {};
template <class T>
struct message_of<outbound<T>> : message_of<T> {};
template <class T>
struct message_of<inbound<T>> : message_of<T> {};
template <class T>
using message_of_t = typename message_of<std::remove_cvref_t<T>>::type;

/// What a request is parsed into: where it is short, a message that the thread keeps, so that strings and submessages are
/// allocated once and not for every call. A handler that runs inside another has one of its own.
template <class Request>
class request_message {
public:
  static constexpr std::size_t reused_bytes_max = 1024;

  explicit request_message(std::size_t serialized_bytes) {
    if (serialized_bytes > reused_bytes_max || kept().is_used)
      own_.emplace();
    else
      kept().is_used = true;
  }
  ~request_message() {
    if (own_) return;
    kept().message.Clear();
    kept().is_used = false;
  }
  request_message(const request_message&) = delete;
  request_message& operator=(const request_message&) = delete;

  Request& operator*() noexcept { return own_ ? *own_ : kept().message; }

private:
  struct reused {
    Request message;
    bool is_used = false;
  };
  static reused& kept() {
    static thread_local reused of_thread;
    return of_thread;
  }

  std::optional<Request> own_;
};

/// A handler of a method, called with its request's metadata where it takes that.
template <class Service, class Function>
class bound_handler {
public:
  bound_handler(Service& service, Function function, const call_context& call)
      : service_(service), function_(function) {
    if constexpr (handler_type<Function>::reads_metadata) metadata_ = call.shared_metadata();
  }

  template <class... Arguments>
  auto operator()(Arguments&&... arguments) const {
    if constexpr (handler_type<Function>::reads_metadata)
      return (service_.*function_)(std::forward<Arguments>(arguments)..., metadata_ ? *metadata_ : no_metadata());
    else
      return (service_.*function_)(std::forward<Arguments>(arguments)...);
  }

private:
  Service& service_;
  const Function function_;
  std::shared_ptr<const metadata> metadata_;  // kept while the handler runs, which may drop its call
};

/// Calls a handler of an unary method and answers with what it returns, if it returns something.
template <class Reply, class Service, class Function, class Request>
void serve_unary(const bound_handler<Service, Function>& handler, Request& request, call_handle& call) {
  using type = handler_type<Function>;
  if constexpr (std::is_void_v<typename type::result>) {
    handler(request, responder<Reply>{std::move(call)});
  } else {
    // The call stays in `call` until the handler has returned, so that one that throws is still there to be failed.
    auto answer = [&]() -> typename type::result {
      if constexpr (type::count == 2)
        return handler(request, call.context());
      else
        return handler(request);
    }();
    responder<Reply> out{std::move(call)};
    if constexpr (std::is_same_v<typename type::result, Reply>)
      out.reply(std::move(answer));
    else if (answer)
      out.reply(std::move(*answer));
    else
      out.fail(answer.status());
  }
}

}  // namespace detail

/// What handles the method's calls with the service's object, whatever its type.
template <class Tag, method_kind Kind = Tag::kind>
struct erased_handler;
template <class Tag>
struct erased_handler<Tag, method_kind::unary> {
  using type = std::function<void(void* service, typename Tag::request_type& request, call_handle& call)>;
};
template <class Tag>
struct erased_handler<Tag, method_kind::server_streaming> {
  using type =
      std::function<void(void* service, typename Tag::request_type& request, outbound<typename Tag::reply_type> out)>;
};
template <class Tag>
struct erased_handler<Tag, method_kind::client_streaming> {
  using type = std::function<void(void* service, inbound<typename Tag::request_type> in,
                                  responder<typename Tag::reply_type> out)>;
};
template <class Tag>
struct erased_handler<Tag, method_kind::bidirectional> {
  using type = std::function<void(void* service, inbound<typename Tag::request_type> in,
                                  outbound<typename Tag::reply_type> out)>;
};

/// Adds the handlers of the method's typed messages (rpc::signature) to `to`: each calls `handler`. Defined in
/// rpc/typed_messages.hpp; the library of a .proto file's services has it for each of their methods.
template <class Tag>
void add_typed_messages(caf::message_handler& to, service_actor* self, void* service,
                        const typename erased_handler<Tag>::type& handler);

/// Whether a pointer to a member function of this type can serve the method.
template <class Tag, class Function>
concept serves = detail::fits<Tag::kind, typename Tag::request_type, typename Tag::reply_type, Function>();

template <class Service>
class service_builder {
public:
  service_builder(std::string name, service_definition::factory make)
      : definition_(std::move(name), std::move(make),
                    &service_builder::template add_own_messages<caf::message_handler>) {}

  template <class Function>
  service_builder&& unary(std::string_view name, Function handler) && {
    using result_type = typename detail::handler_type<Function>::result;
    if constexpr (std::is_void_v<result_type>)
      return std::move(*this)
          .template define<method_kind::unary, first_argument<Function>,
                           detail::message_of_t<second_argument<Function>>>(name, handler);
    else
      return std::move(*this)
          .template define<method_kind::unary, first_argument<Function>, detail::message_of_t<result_type>>(name,
                                                                                                            handler);
  }
  template <class Function>
  service_builder&& server_streaming(std::string_view name, Function handler) && {
    return std::move(*this)
        .template define<method_kind::server_streaming, first_argument<Function>,
                         detail::message_of_t<second_argument<Function>>>(name, handler);
  }
  template <class Function>
  service_builder&& client_streaming(std::string_view name, Function handler) && {
    return std::move(*this)
        .template define<method_kind::client_streaming, detail::message_of_t<first_argument<Function>>,
                         detail::message_of_t<second_argument<Function>>>(name, handler);
  }
  template <class Function>
  service_builder&& bidirectional(std::string_view name, Function handler) && {
    return std::move(*this)
        .template define<method_kind::bidirectional, detail::message_of_t<first_argument<Function>>,
                         detail::message_of_t<second_argument<Function>>>(name, handler);
  }

  /// The method `Tag` stands for, which typed messages reach too.
  template <class Tag, class Function>
  requires serves<Tag, Function> service_builder && method(Function handler) && {
    definition_.add(typed<Tag>(handler));
    return std::move(*this).template define<Tag::kind, typename Tag::request_type, typename Tag::reply_type>(
        short_name(Tag::name), handler);
  }

  operator service_definition() && { return std::move(definition_); }
  service_definition&& per_connection() && { return std::move(definition_).per_connection(); }
  service_definition&& per_key(std::string field) && { return std::move(definition_).per_key(std::move(field)); }

private:
  template <class Function>
  using first_argument =
      std::remove_cvref_t<std::tuple_element_t<0, typename detail::handler_type<Function>::arguments>>;
  template <class Function>
  using second_argument =
      std::remove_cvref_t<std::tuple_element_t<1, typename detail::handler_type<Function>::arguments>>;

  // A template, so that only what has messages() needs the handlers' type.
  template <class Handlers>
  static void add_own_messages(void* service, Handlers& to) {
    if constexpr (requires { &Service::messages; })
      to = to.or_else(static_cast<Service*>(service)->messages());
    else
      (void)service, (void)to;
  }

  static std::string_view short_name(std::string_view full) { return full.substr(full.find('/') + 1); }

  template <method_kind Kind, class Request, class Reply, class Function>
  service_builder&& define(std::string_view name, Function handler) && {
    static_assert(detail::fits<Kind, Request, Reply, Function>(),
                  "this member function does not have the form of a handler of this kind of method");
    definition_.add({definition_.name() + "/" + std::string(name), Kind, &Request::default_instance(),
                     &Reply::default_instance(),
                     [handler](void* self, incoming_call& call) {
                       auto& service = *static_cast<Service*>(self);
                       if constexpr (streams_requests(Kind)) {
                         const detail::bound_handler serve{service, handler, call.handle.context()};
                         inbound<Request> requests{call.handle.context(), std::move(call.requests)};
                         if constexpr (Kind == method_kind::client_streaming)
                           serve(std::move(requests), responder<Reply>{std::move(call.handle)});
                         else
                           serve(std::move(requests), outbound<Reply>{std::move(call.handle)});
                       } else {
                         detail::request_message<Request> parsed{call.request.size()};
                         auto& request = *parsed;
                         if (!request.ParseFromArray(call.request.data(), static_cast<int>(call.request.size())))
                           return refuse_malformed(call.handle, request);
                         const detail::bound_handler serve{service, handler, call.handle.context()};
                         if constexpr (Kind == method_kind::unary)
                           detail::serve_unary<Reply>(serve, request, call.handle);
                         else
                           serve(request, outbound<Reply>{std::move(call.handle)});
                       }
                     },
                     detail::handler_type<Function>::reads_metadata});
    return std::move(*this);
  }

  template <class Tag, class Function>
  static service_definition::typed_handlers typed(Function handler) {
    typename erased_handler<Tag>::type erased = [handler](void* object, auto&& request, auto&& answer) {
      // An actor of this process sends no metadata.
      const detail::bound_handler serve{*static_cast<Service*>(object), handler, call_context{}};
      if constexpr (Tag::kind == method_kind::unary)
        detail::serve_unary<typename Tag::reply_type>(serve, request, answer);
      else if constexpr (Tag::kind == method_kind::server_streaming)
        serve(request, std::move(answer));
      else
        serve(std::move(request), std::move(answer));
    };
    return [erased = std::move(erased)](service_actor* self, void* service, caf::message_handler& to) {
      add_typed_messages<Tag>(to, self, service, erased);
    };
  }

  service_definition definition_;
};

/// Makes a service's object in its actor: from the actor and `arguments` where it can be, else from them alone.
template <class Service, class... Arguments>
std::unique_ptr<Service> make_service(service_actor* self, const Arguments&... arguments) {
  if constexpr (std::is_constructible_v<Service, service_actor*, const Arguments&...>)
    return std::make_unique<Service>(self, arguments...);
  else if constexpr (std::is_aggregate_v<Service> && sizeof...(Arguments) > 0)
    return std::unique_ptr<Service>(new Service{arguments...});
  else
    return std::make_unique<Service>(arguments...);
}

/// A service served by `Service`, made from the actor (where its constructor takes one) and `arguments`, which are kept
/// for each time it is made.
template <class Service, class... Arguments>
service_builder<Service> service(std::string name, Arguments... arguments) {
  return {std::move(name), [... arguments = std::move(arguments)](service_actor* self) -> std::shared_ptr<void> {
            return std::shared_ptr<Service>(make_service<Service>(self, arguments...));
          }};
}

}  // namespace switchboard::rpc
