#pragma once

/// The client's end of a connection as an actor: makes the calls that a remote actor's handle is sent.
///
/// Threads    an actor; its messages:
///
///     message                from            effect
///     a method's             callers         a call is opened, or waits for the connection
///     inherited              the handle      the same, with what it inherits from the call that it is made for
///     socket_ready           pump            the connection is made; write, read one chunk, re-arm
///     rpc::stream_ready      requests        a stream's requests are drawn, as credit and the marks allow
///     replies_wanted         readers         credit goes to the server
///     replies_unwanted       readers         the call is cancelled
///     deadline_expired       pump            a call's deadline (its number), or the connection's own (even)
///     flush_output           itself          writes what the handlers before it queued
///     dialed                 the dialer      the name was looked up and a connection is being made, or why not
///     registration_closed    pump            the socket is closed
///     shut_down, abandoned   the handle      no connection any more; nor calls
///
/// States     see transition().
/// Owns       the transport, from its making to the registration's end (N50), and what callers wait for.
/// Errors     each call's to its caller. A connection that breaks ends its calls with UNAVAILABLE; none is repeated.

#include <functional>
#include <map>
#include <memory>
#include <string>

#include <caf/event_based_actor.hpp>

#include <switchboard/client/output_buffer.hpp>
#include <switchboard/client/remote_options.hpp>
#include <switchboard/client/reply_taker.hpp>
#include <switchboard/pump/notification_pump.hpp>
#include <switchboard/rpc/inbound_bytes.hpp>
#include <switchboard/rpc/only_moved.hpp>
#include <switchboard/wire/frame_decoder.hpp>

namespace switchboard::client {

/// A call as a method's handler hands it over.
struct remote_call {
  std::uint64_t number = 0;
  std::string_view method;      ///< of static lifetime
  std::string request;          ///< serialized, where there is one
  rpc::inbound_bytes requests;  ///< where they stream
  std::shared_ptr<reply_taker> replies;
  bool unary = false;
};

/// From the handle: a call made on behalf of another, which is to be answered by then, or under a scope of its sender's;
/// `metadata` goes with its request.
struct inherited {
  rpc::time_point until;
  rpc::metadata metadata;
  caf::message call;
};
/// From the handle, once in this order: where it is, and how to begin; that it takes no more calls; that it is gone.
struct begin_connecting {
  caf::weak_actor_ptr handle;
};
struct shut_down {
  rpc::status why;
};
struct abandoned {};
/// From a dialer.
struct dialed {
  std::uint64_t attempt;
  rpc::only_moved<error_or<std::unique_ptr<net::transport>>> connection;
};
/// To itself.
struct flush_output {};

class remote_connection : public caf::event_based_actor {
public:
  /// Makes the handlers of a service's methods, which open() calls.
  using methods = std::function<caf::message_handler(remote_connection& self)>;

  remote_connection(caf::actor_config& config, std::shared_ptr<notification_pump> pump, net::endpoint to,
                    remote_options options, methods of_service);

  const char* name() const override { return "switchboard.remote"; }
  void on_exit() override;

  caf::strong_actor_ptr self_ptr() { return caf::strong_actor_ptr{ctrl()}; }
  /// Of the next call: odd and above all before, over all connections.
  std::uint64_t next_number() noexcept { return last_call_ += 2; }
  void open(remote_call call);

protected:
  caf::behavior make_behavior() override;

private:
  /// What one read takes from the socket.
  static constexpr std::size_t chunk_bytes = 64 * 1024;
  /// Requests of one stream that are sent before others get their turn.
  static constexpr std::size_t turn_messages_max = 256;

  enum class state : unsigned char { resting, dialing, connecting, open, closing, closed };

  struct open_call {
    remote_call what;
    deadline_id deadline_at_pump = deadline_id::none;
    rpc::time_point deadline = rpc::time_point::max();
    rpc::metadata metadata{};     ///< goes with the opening frame
    std::uint64_t credit = 0;     ///< requests that the server takes
    bool sent = false;            ///< on this connection; else it waits for one
    bool requests_ended = false;  ///< all of them are sent

    /// What waits with the call for its connection.
    std::size_t waiting_bytes() const noexcept { return what.request.size() + metadata.fields().size(); }
  };
  using calls = std::map<std::uint64_t, open_call>;

  void transition(state next);

  // The connection.
  void dial();
  void on_dialed(error_or<std::unique_ptr<net::transport>> connection);
  void on_connected();
  void lose(rpc::status why);
  void finish_close();
  void end_for_good(rpc::status why);
  void on_shut_down(const rpc::status& why);
  void set_own_deadline(notification_pump::clock::time_point at);
  void cancel_own_deadline();

  // Input.
  void on_ready(const socket_ready& ready);
  void read_chunk();
  void on_frame(const wire::frame_view& frame);
  void on_deadline(const deadline_expired& expired);

  // Calls.
  rpc::status admit(const open_call& call) const;
  void send_opening(open_call& call);
  void on_wanted(std::uint64_t number);
  void draw_requests(std::uint64_t number);
  void end_requests(open_call& call);
  void cancel(std::uint64_t number, const rpc::status& how);
  void end_call(std::uint64_t number, const rpc::status& how);
  template <class Choose>
  void end_calls(const rpc::status& how, Choose&& choose);

  // Output.
  void settle();
  void write();
  void rearm();

  template <class Message>
  void tell_self(Message message);

  const std::shared_ptr<notification_pump> pump_;
  const net::endpoint to_;
  remote_options options_;
  const methods of_service_;
  caf::message_handler methods_;
  caf::weak_actor_ptr handle_;

  std::unique_ptr<net::transport> transport_;
  registration_id registration_ = registration_id::none;
  wire::frame_decoder decoder_;
  output_buffer output_;
  calls calls_;
  std::uint64_t last_call_ = ~std::uint64_t{0};  // so that the first is 1
  std::size_t waiting_bytes_ = 0;                // requests of calls that are not sent
  std::uint64_t attempt_ = 0;
  deadline_id own_deadline_ = deadline_id::none;
  std::uint64_t own_deadline_tag_ = 0;  // of the latest one; even, as no call's number is
  std::optional<rpc::status> ended_;    // why there will be no connection any more

  state state_ = state::resting;
  notify::interest armed_for_ = notify::interest::none;
  bool armed_ = false;
  bool write_blocked_ = false;
  bool flush_queued_ = false;
  bool stalled_ = false;    // streams of requests wait for the low mark
  bool broken_ = false;     // since the latest connection there was
  bool abandoned_ = false;  // by its handle
};

}  // namespace switchboard::client

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::client::inherited)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::client::begin_connecting)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::client::shut_down)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::client::abandoned)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::client::dialed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::client::flush_output)
