#pragma once

/// Calls on a Switchboard server, each waiting no longer than its deadline; any number of them share one connection.
///
/// Why        for tools, tests and the scripts of people who want an answer on the next line. It has no thread: frames
///            are read while an operation waits, and those of other calls are kept for them.
/// Threads    one at a time: the client and its streams together.
/// Owns       the connection, until the client and every stream are gone.
/// Errors     of a call: its status, which carries the answer's trailing metadata, also where it is OK. A broken connection ends every call with UNAVAILABLE and says why; broken() and
///            connection_status() tell it from a server's own UNAVAILABLE. A deadline that passes is DEADLINE_EXCEEDED
///            on a unary call, which it cancels, and an outcome of its own on a stream, which goes on.
///
///     auto client = blocking_client::connect(*net::endpoint::parse("127.0.0.1:7777"), within(5s));
///     echo::v1::SayReply reply;
///     const auto status = client->call("switchboard.echo.v1.Echo/Say", request, reply, within(1s));

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include <switchboard/client/deadline.hpp>
#include <switchboard/client/frame_channel.hpp>
#include <switchboard/rpc/status.hpp>

namespace google::protobuf {
class MessageLite;
}

namespace switchboard::client {

/// Bytes of messages that one stream keeps while nobody takes them; beyond, it is cancelled with RESOURCE_EXHAUSTED.
inline constexpr std::size_t stream_backlog_limit = 16 * 1024 * 1024;

struct open_options {
  std::uint32_t credit = 0;      ///< messages the server may send before more is granted
  std::uint32_t timeout_ms = 0;  ///< the deadline the server keeps; 0 = none
  bool end = false;              ///< no further request message follows
  rpc::metadata metadata{};      ///< goes with the request
};

/// What waiting for a stream's next message came to.
struct [[nodiscard]] stream_step {
  enum class kind : unsigned char { message, ended, timed_out };
  kind what;
  rpc::status status{};  ///< where `ended`: how

  bool has_message() const noexcept { return what == kind::message; }
  bool ended() const noexcept { return what == kind::ended; }
  bool timed_out() const noexcept { return what == kind::timed_out; }
};

class call_table;

/// One open call of any kind, unary ones included. Dropped before its end it is cancelled.
class stream {
public:
  stream() = default;
  stream(stream&&) noexcept = default;
  stream& operator=(stream&& other) noexcept;
  ~stream();

  std::uint64_t call() const noexcept { return call_; }
  /// Takes the next message into `into`, or tells the end. After the end it tells the same again.
  stream_step next(google::protobuf::MessageLite& into, deadline until);
  /// Whether next() has something to tell without reading any further.
  bool ready() const noexcept;
  /// Lets the server send `messages` more.
  void grant(std::uint32_t messages);
  /// Sends one more request message when the server has granted credit for it. OK: sent. DEADLINE_EXCEEDED: not sent,
  /// the call goes on. Else the call has ended: its status, or CANCELLED where the server has answered without waiting
  /// for more.
  rpc::status send(const google::protobuf::MessageLite& message, deadline until);
  /// Sends no more messages.
  void finish();
  /// finish(), and the one reply of a call that has one; where the call failed, its status. DEADLINE_EXCEEDED, with the
  /// call going on, where none came in time.
  rpc::status answer(google::protobuf::MessageLite& into, deadline until);
  /// Ends the call; next() then tells CANCELLED.
  void cancel();
  explicit operator bool() const noexcept { return calls_ != nullptr; }

private:
  friend class blocking_client;
  stream(std::shared_ptr<call_table> calls, std::uint64_t call) noexcept;
  void release();

  std::shared_ptr<call_table> calls_;
  std::uint64_t call_ = 0;
};

class blocking_client {
public:
  static error_or<blocking_client> connect(const net::endpoint& to, deadline until, channel_options options = {});
  explicit blocking_client(frame_channel channel);

  /// One request, one reply; the deadline, and `metadata`, go with it.
  rpc::status call(std::string_view method, const google::protobuf::MessageLite& request,
                   google::protobuf::MessageLite& reply, deadline until, rpc::metadata metadata = {});
  /// Opens a call and does not wait. Unary ones too: several may be outstanding, each answered by next().
  stream open(std::string_view method, const google::protobuf::MessageLite& request, open_options options = {});
  /// Opens a call whose requests stream: without a message, which are sent as the server grants credit.
  stream open(std::string_view method, open_options options = {});

  /// Sends what is queued and takes in what has come, until `until` or until nothing is left to send: success.
  [[nodiscard]] std::error_code flush(deadline until);
  /// Sends and takes in what is possible at once, for programs with a loop of their own: they wait for channel()'s
  /// socket (and for writing while it wants_write()), take in, and then ask the streams that are ready(). Why it broke,
  /// or success.
  std::error_code take_in();
  /// Why the connection is of no use any more; success while it is.
  std::error_code broken() const noexcept;
  /// What the server said on call 0 when it ended the connection.
  const std::optional<rpc::status>& connection_status() const noexcept;
  /// Calls whose end has not come or not been taken.
  std::size_t open_calls() const noexcept;

  /// The connection below the calls: to wait for its socket in a loop of one's own, or to send what no client would.
  frame_channel& channel() noexcept;

private:
  std::shared_ptr<call_table> calls_;
};

}  // namespace switchboard::client
