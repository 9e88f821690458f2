#pragma once

/// A client's way to one server: any number of calls, over one connection after another, driven by the thread that waits.
///
///     auto server = client::channel::connect(*net::endpoint::parse("127.0.0.1:7777"), within(5s));
///     Echo::stub echo{*server};
///     const auto reply = echo.say(request, within(1s)).get();
///
/// Why        calls do not block: they are opened, and the channel is driven until what is waited for is there. It has no
///            thread: frames are read and written while the thread waits, and those of other calls are kept for them, or
///            given to the handlers that they have set.
/// Threads    one at a time: the channel and its streams together.
/// Owns       the connection, until the channel and every stream are gone.
/// Errors     a call's to the call. A connection that breaks ends the calls that were sent with UNAVAILABLE; none is
///            repeated. A program that may repeat a call does so when on_connected() says that there is a connection again
///            (channel_options::reconnect).

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include <switchboard/client/channel_options.hpp>
#include <switchboard/client/driving.hpp>
#include <switchboard/client/stream.hpp>
#include <switchboard/rpc/method_kind.hpp>
#include <switchboard/rpc/result.hpp>

namespace switchboard::client {

/// A method by name, where there is no generated stub. The name outlives the calls.
struct method_name {
  std::string_view name;  ///< "package.Service/Method"
  rpc::method_kind kind = rpc::method_kind::unary;
};

struct open_options {
  std::uint32_t credit = 0;          ///< messages the server may send before more is granted, where replies stream
  deadline until = deadline::max();  ///< of the whole call; sent to the server
  rpc::metadata metadata{};          ///< goes with the request
};

class channel {
public:
  /// Connects when it is driven, calls wait until then. Names are looked up with each attempt, which blocks.
  explicit channel(net::endpoint to, channel_options options = {});
  /// Waits for the connection.
  static rpc::result<channel> connect(const net::endpoint& to, deadline until, channel_options options = {});

  /// Opens a call and does not wait.
  stream open(const method_name& what, const google::protobuf::MessageLite& request, open_options options = {});
  /// The same where requests stream: without a message, which are sent as the server grants credit.
  stream open(const method_name& what, open_options options = {});

  /// One request, one reply, waited for.
  rpc::status call(std::string_view unary, const google::protobuf::MessageLite& request,
                   google::protobuf::MessageLite& reply, deadline until, rpc::metadata metadata = {});

  /// Lets calls and connection go on until `done()` holds, which is asked after each step; until one of `readable`,
  /// descriptors of whatever kind, can be read; or until the deadline.
  drive_outcome drive_until(const std::function<bool()>& done, deadline until, std::span<const int> readable = {});
  /// Drives it until nothing is left to send; whether that was so by `until`.
  [[nodiscard]] bool flush(deadline until);
  /// Has `what` called while the channel is driven, at that time or soon after it.
  void at(deadline when, std::function<void()> what);
  void tell(connection_events whom);

  bool connected() const noexcept;
  /// Why there will be no connection any more; nothing while there may be one.
  const std::optional<rpc::status>& why_ended() const noexcept;
  /// Calls whose end has not come.
  std::size_t open_calls() const noexcept;

private:
  stream start(const method_name& what, std::string request, open_options options);

  std::shared_ptr<thread_driver> driver_;
};

}  // namespace switchboard::client
