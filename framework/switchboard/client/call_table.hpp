#pragma once

/// The calls that a client has open to one server: frames in, frames out.
///
/// Why        what a thread that waits and an actor need of a call is the same. The table knows the calls' state
///            machine, their deadlines and what a server may not do; it knows no socket, no thread, no actor and no
///            clock.
/// Threads    one at a time: its driver's.
/// Owns       the calls, from open() to their end, over one connection after another: calls opened without a connection
///            wait for it. A call that was sent ends with its connection and is never repeated.
/// Errors     each call's to its handler. on_frame() says when the server has ended the connection, or has to be left.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <switchboard/client/call_handler.hpp>
#include <switchboard/client/deadline.hpp>
#include <switchboard/rpc/call_state.hpp>
#include <switchboard/wire/frame_view.hpp>
#include <switchboard/wire/limits.hpp>

namespace switchboard::client {

/// Where frames wait for their connection to take them.
class frame_output {
public:
  virtual ~frame_output() = default;
  /// One whole frame, which is sent after those added before it.
  virtual void add(std::string_view frame) = 0;
  /// Bytes that wait.
  virtual std::size_t size() const noexcept = 0;
};

struct call_limits {
  std::size_t frame_bytes_max = wire::default_frame_limit;  ///< of a frame, in either direction
  /// Calls open at once, those that wait for the connection included; one more fails with RESOURCE_EXHAUSTED.
  std::size_t open_calls_max = 4096;
  /// Bytes that may wait for the server to read them, or for the connection; a call beyond fails with
  /// RESOURCE_EXHAUSTED.
  std::size_t output_bytes_max = std::size_t{16} << 20;
  /// Bytes of answers to calls that the server opens, which no client serves, until it has read them all; a server that
  /// opens more is disconnected.
  std::size_t refusal_bytes_max = std::size_t{64} << 10;
};

/// Bytes of replies that one call keeps until its reader takes them; beyond, it is cancelled with RESOURCE_EXHAUSTED.
inline constexpr std::size_t reply_backlog_max = std::size_t{16} << 20;

struct call_opening {
  std::string_view method;  ///< "package.Service/Method"; valid until the call has ended
  rpc::method_kind kind = rpc::method_kind::unary;
  std::string request{};     ///< serialized; none where requests stream
  rpc::metadata metadata{};  ///< goes with the request
  std::uint32_t credit = 0;  ///< replies that may come at once, where they stream
  deadline until = deadline::max();
  std::shared_ptr<call_handler> handler;
};

class call_table {
public:
  explicit call_table(call_limits limits = {}) : limits_(limits) {}

  /// Opens a call, or has its handler's on_end() called at once with the reason why not. Its number: odd and above all before.
  std::uint64_t open(call_opening opening, deadline now);
  std::uint64_t next_number() const noexcept { return last_call_ + 2; }

  // Of a call that has ended these do nothing.

  /// `taken`: sent. `beyond_credit`: not now; on_credit() is called when it can be. `ignored`: the call takes no more.
  rpc::call_effect send(std::uint64_t call, std::string_view message);
  /// No more requests.
  void finish(std::uint64_t call);
  /// The server may send `messages` more.
  void grant(std::uint64_t call, std::uint32_t messages);
  /// Ends the call here as `how` says, and notifies the server that it is cancelled.
  void cancel(std::uint64_t call, const rpc::status& how);
  struct open_call {
    rpc::call_machine machine;
    call_opening what;
    bool finished_early = false;  ///< before the opening frame is sent, which then says so

    /// What waits with the call for its connection.
    std::size_t waiting_bytes() const noexcept { return what.request.size() + what.metadata.fields().size(); }
  };
  /// Null for a call that has ended.
  const open_call* find(std::uint64_t call) const;

  /// Sends the calls that wait. `to` is used until disconnected().
  void connected(frame_output& to, deadline now);
  /// Ends the calls that were sent. Those that were not, and those that are opened until the next connection, wait for
  /// it or end likewise.
  enum class without_connection : bool { wait, fail };
  void disconnected(const rpc::status& why, without_connection others);
  /// @pre connected. Why the connection is to be ended: the server has said so, or has to be notified by a frame that the output
  /// has; nothing where it goes on.
  std::optional<rpc::status> on_frame(const wire::frame_view& frame);
  /// The same for what is not a frame, which the decoder found, or for an error of the connection.
  rpc::status on_error(std::error_code error);

  /// The nearest deadline of a call.
  deadline nearest_deadline() const noexcept {
    return deadlines_.empty() ? deadline::max() : deadlines_.begin()->first;
  }
  /// Ends the calls whose deadline has passed; whether there were any.
  bool expire(deadline now);

  std::size_t size() const noexcept { return calls_.size(); }

private:
  rpc::status admit(const call_opening& opening, deadline now) const;
  void send_opening(std::uint64_t number, open_call& call, deadline now);
  void on_frame_of_call(const wire::frame_view& frame);
  void end(std::uint64_t number, const rpc::status& how);
  std::optional<rpc::status> refuse(const wire::frame_view& opening);
  rpc::status leave(rpc::code why, std::string_view text);
  template <class Append>
  std::size_t add_frame(Append&& append);

  const call_limits limits_;
  frame_output* output_ = nullptr;  // while connected
  std::map<std::uint64_t, open_call> calls_;
  std::set<std::pair<deadline, std::uint64_t>> deadlines_;
  std::uint64_t last_call_ = ~std::uint64_t{0};  // so that the first is 1
  std::size_t waiting_bytes_ = 0;                // requests of calls that are not sent
  std::size_t refusal_bytes_ = 0;                // since the output was empty
  std::optional<rpc::status> failing_;           // why calls are not opened without a connection
};

}  // namespace switchboard::client
