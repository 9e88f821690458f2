#pragma once

/// A channel that an actor drives: makes the calls that an actor's stub (client/actor_stub.hpp) is sent.
///
/// Threads    an actor; its messages:
///
///     message                from            effect
///     a method's             callers         a call is opened, or waits for the connection
///     inherited              the handle      the same, with what it inherits from the call that it is made for
///     socket_ready           pump            the link's
///     link_turn              link            the link's
///     deadline_expired       pump            the link's (even); calls end, connecting begins or has taken too long (odd)
///     registration_closed    pump            the link's socket is closed
///     rpc::stream_ready      requests        a stream's requests are drawn, as credit and the marks allow
///     replies_wanted         readers         credit goes to the server
///     replies_unwanted       readers         the call is cancelled
///     dialed                 the dialer      the name was looked up and a connection is being made, or why not
///     shut_down, then gone   the handle      no connection any more; nor calls
///
/// Owns       the channel's core.
/// Errors     each call's to its caller. A connection that breaks ends its calls with UNAVAILABLE; none is repeated.

#include <functional>
#include <memory>
#include <vector>

#include <caf/event_based_actor.hpp>

#include <switchboard/client/actor_call.hpp>
#include <switchboard/client/channel_core.hpp>
#include <switchboard/link/actor_driver.hpp>
#include <switchboard/pump/notification_pump.hpp>
#include <switchboard/rpc/only_moved.hpp>

namespace switchboard::client {

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

class channel_actor : public caf::event_based_actor, private channel_owner {
public:
  /// Makes the handlers of a service's methods, which open() calls.
  using methods = std::function<caf::message_handler(channel_actor& self)>;

  channel_actor(caf::actor_config& config, std::shared_ptr<notification_pump> pump, net::endpoint to,
                channel_options options, methods of_service);

  const char* name() const override { return "switchboard.channel"; }
  void on_exit() override;

  caf::strong_actor_ptr self_ptr() { return caf::strong_actor_ptr{ctrl()}; }
  /// Of the call that is opened next.
  std::uint64_t next_number() noexcept { return core_.calls().next_number(); }
  /// `opening` says what is called; metadata, deadline, credit and handler are the channel's.
  void open(call_opening opening, std::shared_ptr<reply_taker> replies, rpc::inbound_bytes requests = {});
  /// Sends the requests of a call, as far as its credit and the marks allow.
  void draw_requests(std::uint64_t number);

protected:
  caf::behavior make_behavior() override;

private:
  /// Requests of one stream that are sent before others get their turn.
  static constexpr std::size_t turn_messages_max = 256;

  void dial(const net::endpoint& to) override;
  void on_lost(const rpc::status& why, std::optional<clock::duration> pause) override;
  void on_output_low() override;

  void tell_handle(const rpc::status& why);
  void end(const rpc::status& why);
  void on_deadline(const deadline_expired& expired);
  void end_turn();
  void keep_time();
  template <class Message>
  void tell_self(Message message);

  const std::shared_ptr<notification_pump> pump_;
  const channel_options options_;
  const methods of_service_;
  caf::message_handler methods_;
  caf::weak_actor_ptr handle_;

  link::actor_driver driver_;
  channel_core core_;
  std::vector<std::uint64_t> stalled_;  ///< whose requests wait for the low mark
  std::uint64_t attempt_ = 0;
  bool abandoned_ = false;  ///< by its handle

  deadline_id timer_ = deadline_id::none;
  deadline timer_at_ = deadline::max();
  std::uint64_t timer_tag_ = 1;  ///< of the latest one; odd
};

}  // namespace switchboard::client

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::client::inherited)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::client::begin_connecting)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::client::shut_down)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::client::abandoned)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::client::dialed)
