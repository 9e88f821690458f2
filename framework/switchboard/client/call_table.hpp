#pragma once

/// The open calls of one connection, and the way of each frame to its call.
///
/// Why        blocking_client and its streams share it, in whatever order they go.
/// Threads    one at a time.
/// Owns       the connection and the messages that nobody has taken yet, within stream_backlog_limit a call.
/// Errors     a connection's error breaks the table once and for all: every call ends with UNAVAILABLE.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>

#include <switchboard/client/frame_channel.hpp>
#include <switchboard/rpc/status.hpp>

namespace switchboard::client {

struct open_options;

class call_table {
public:
  struct open_call {
    std::deque<std::string> messages;
    std::size_t backlog = 0;   // bytes of messages
    std::uint64_t credit = 0;  // messages the server lets this side send
    std::optional<rpc::status> end;
    bool finished = false;  // this side has ended
  };

  explicit call_table(frame_channel channel) : channel_(std::move(channel)) {}

  std::uint64_t open(std::string_view method, std::string_view request, const open_options& options);
  /// nullptr for a call that was forgotten.
  open_call* find(std::uint64_t call);
  /// Cancels the call if it goes on, and keeps nothing of it.
  void forget(std::uint64_t call);
  void cancel(std::uint64_t call, rpc::status how);
  void grant(std::uint64_t call, std::uint32_t messages);
  void send(std::uint64_t call, std::string_view message);
  void finish(std::uint64_t call);

  /// Sends what is queued, takes in at least one frame if one comes before `until`: success, timed_out, or why it
  /// broke.
  std::error_code advance(deadline until);
  /// Sends and takes in what is possible at once: success (or timed_out while the connection is not made), or why it
  /// broke.
  std::error_code take_in();
  /// The same until nothing is left to send.
  std::error_code flush(deadline until);

  std::error_code broken() const noexcept { return broken_; }
  const std::optional<rpc::status>& connection_status() const noexcept { return connection_status_; }
  std::size_t size() const noexcept { return calls_.size(); }
  frame_channel& channel() noexcept { return channel_; }

private:
  enum goal : unsigned char { until_sent, until_frame, until_drained };

  std::error_code exchange(deadline until, goal wanted);
  void route(const wire::frame_view& frame);
  void end(open_call& call, rpc::status how);
  /// Queues a cancel, which leaves with the next operation, and drops what nobody has taken.
  void withdraw(std::uint64_t call, open_call& from, rpc::status how);
  std::error_code break_all(std::error_code reason);
  /// Sends without waiting; what the socket does not take leaves later.
  void send_queued();

  frame_channel channel_;
  std::unordered_map<std::uint64_t, open_call> calls_;
  std::uint64_t last_call_ = 0;
  std::error_code broken_;
  std::optional<rpc::status> connection_status_;
};

}  // namespace switchboard::client
