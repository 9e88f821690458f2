#pragma once

/// One open call on a channel, of any kind, its messages not typed: what stubs are made of, and what a program uses that
/// has a server's methods by name only.
///
/// Threads    its channel's.
/// Owns       the call: dropped before its end it is cancelled. It shares its channel's connection.
/// Waiting    functions that take a deadline drive the channel until then, with no_wait they do what is possible at once;
///            none of them is for a handler that the channel calls.
/// Errors     statuses; a call's has its trailing metadata, even if OK. A wait that is too long leaves the call as it is.

#include <cstdint>
#include <functional>
#include <memory>

#include <switchboard/client/credit_window.hpp>
#include <switchboard/client/deadline.hpp>
#include <switchboard/rpc/status.hpp>

namespace google::protobuf {
class MessageLite;
}

namespace switchboard::client {

class reply_inbox;
class thread_driver;

/// What asking for a stream's next message came to.
struct [[nodiscard]] stream_step {
  enum class kind : unsigned char { message, ended, timed_out };
  kind what;
  rpc::status status{};  ///< where `ended`: how

  bool has_message() const noexcept { return what == kind::message; }
  bool ended() const noexcept { return what == kind::ended; }
  bool timed_out() const noexcept { return what == kind::timed_out; }
};

class stream {
public:
  stream() = default;
  stream(stream&&) noexcept = default;
  stream& operator=(stream&& other) noexcept;
  ~stream();

  explicit operator bool() const noexcept { return driver_ != nullptr; }
  std::uint64_t call() const noexcept { return call_; }

  /// Takes the next message into `into`, or returns the end. After the end it returns the same again.
  stream_step next(google::protobuf::MessageLite& into, deadline until);
  /// Whether next() has something to return at once.
  bool ready() const noexcept;
  /// While the channel is driven, has `on_message` called with each message as it comes, parsed into `into`, and then
  /// `on_end`, once. Grants by `window`. The handlers may drop the stream, and are not called after that.
  void receive(std::shared_ptr<google::protobuf::MessageLite> into, credit_window window,
               std::function<void()> on_message, std::function<void(const rpc::status&)> on_end);

  /// Lets the server send `messages` more.
  void grant(std::uint32_t messages);
  /// Sends one more request when the server has granted credit for it. OK: sent. DEADLINE_EXCEEDED: not sent, the call
  /// goes on. Else the call has ended: its status, or CANCELLED where the server has answered without waiting for more.
  rpc::status send(const google::protobuf::MessageLite& message, deadline until);
  /// Sends one more request if the server has granted credit for it and reads fast enough; for handlers too.
  bool try_send(const google::protobuf::MessageLite& message);
  /// Sends no more requests.
  void finish();
  /// finish(), and the one reply of a call that has one; where the call failed, its status. DEADLINE_EXCEEDED, with the
  /// call going on, where none came in time.
  rpc::status answer(google::protobuf::MessageLite& into, deadline until);
  /// What came with the end; empty before it.
  const rpc::metadata& trailing() const noexcept;
  /// Ends the call; next() then returns CANCELLED.
  void cancel();

private:
  friend class channel;
  stream(std::shared_ptr<thread_driver> driver, std::shared_ptr<reply_inbox> inbox, std::uint64_t call) noexcept;
  void release();

  std::shared_ptr<thread_driver> driver_;
  std::shared_ptr<reply_inbox> inbox_;
  std::uint64_t call_ = 0;
};

}  // namespace switchboard::client
