#pragma once

/// What is done around every call of a server: authentication, limits, metrics, logs are built on it.
///
///     class call_counter : public rpc::interceptor {
///       rpc::status opened(const rpc::call_context& call) override { … }
///       void ending(const rpc::call_context& call, rpc::code how, rpc::metadata& trailing) override { … }
///       void ended(const rpc::call_context& call, rpc::code how, std::chrono::nanoseconds took) override { … }
///     };
///     server.intercept(std::make_shared<call_counter>());
///
/// Why        what concerns all services belongs into none of them. It runs in the connection, before any service is
///            involved, so a call that is refused costs a service nothing.
/// Threads    any number at a time: every connection's actor. Must not block.
/// Order      opened() in the order in which the interceptors were added, ending() and ended() of those that let the
///            call through.
///            Calls that the connection itself answers (Health, Session, Reflection) are not seen.
/// Errors     what these throw ends the connection; they are expected not to.

#include <chrono>

#include <switchboard/rpc/call.hpp>

namespace switchboard::rpc {

class interceptor {
public:
  virtual ~interceptor() = default;
  /// A call was opened. Anything but OK ends it with that status, and its service does not see it. call.metadata() is
  /// all of the request's here; later it is what the call keeps.
  virtual status opened(const call_context& call) {
    (void)call;
    return {};
  }
  /// The server's side of a call that opened() let through ends with `how`. What is added to `trailing` goes in the frame
  /// that ends the call, after the handler's own. Not called where no frame is sent: the client has cancelled, or is gone.
  virtual void ending(const call_context& call, code how, metadata& trailing) { (void)call, (void)how, (void)trailing; }
  /// A call that opened() let through has ended for the client, with the status code `how`.
  virtual void ended(const call_context& call, code how, std::chrono::nanoseconds took) {
    (void)call, (void)how, (void)took;
  }
};

}  // namespace switchboard::rpc
