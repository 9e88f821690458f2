#pragma once

/// One client: a link whose frames are calls.
///
/// Threads    an actor; its messages:
///
///     message              from      legal in      effect
///     socket_ready         pump      live          the link's: writes, reads one chunk, arms
///     rpc::answers         services  live          calls end, streams start, requests are granted; written when the
///                                                  mailbox is empty
///     rpc::stream_ready    sources   live          the stream's messages are taken, as credit and marks allow
///     link_turn            link      live          writes what the handlers before it queued, reads on
///     deadline_expired     pump      any           a call's deadline (its number), or the link's (even)
///     begin_drain          broker    open          streams end, new calls are refused, unary calls go on
///     finish_drain         broker    live          what is left unanswered is refused; flush, shut down
///     close_connection     broker    any           at once, without a word
///     registration_closed  pump      closing       the socket is closed, the broker told, the actor ends
///
/// States     the link's (link/state.hpp); "live" are all before closing.
/// Owns       the link, and the client's calls over it.
/// Errors     a client's mistakes end its calls with a status, or the connection with a status on call 0. Every end has
///            one close_reason, told to the broker.

#include <memory>

#include <caf/event_based_actor.hpp>

#include <switchboard/actors/client_session.hpp>
#include <switchboard/actors/connection_environment.hpp>
#include <switchboard/actors/served_calls.hpp>
#include <switchboard/link/actor_driver.hpp>
#include <switchboard/link/frame_link.hpp>

namespace switchboard {

/// From the broker.
struct begin_drain {};
struct finish_drain {};
struct close_connection {};
/// To the broker; the first from the acceptor, before any other word of its own.
struct connection_opened {
  std::uint64_t id;
  caf::strong_actor_ptr connection;
};
struct connection_drained {
  std::uint64_t id;
};
struct connection_closed {
  std::uint64_t id;
  link::close_reason reason;
};

class connection final : public caf::event_based_actor, private link::upper_layer {
public:
  connection(caf::actor_config& config, std::shared_ptr<const connection_environment> environment, std::uint64_t id,
             std::unique_ptr<net::transport> transport);

  const char* name() const override { return "switchboard.connection"; }
  void on_exit() override;

protected:
  caf::behavior make_behavior() override;

private:
  bool live() const noexcept { return link::is_live(link_.now()); }

  void on_frame(const wire::frame_view& frame) override;
  void after_frames() override;
  void on_malformed(std::error_code why) override;
  void on_end_of_stream() override;
  bool accepts_input() const noexcept override { return calls_.accept_more(); }
  void on_output_low() override { calls_.resume_streams(); }
  void on_closing(link::close_reason reason, std::error_code why) override;
  void on_closed(link::close_reason reason) override;

  void on_deadline(const deadline_expired& expired);
  void on_begin_drain();
  void on_finish_drain();
  void fail_protocol(rpc::code code, std::string_view text);
  void end_turn();

  std::shared_ptr<const connection_environment> environment_;
  link::actor_driver driver_;
  link::frame_link link_;
  client_session session_;
  served_calls calls_;
  bool drain_reported_ = false;
  bool finishing_ = false;  ///< the server's drain is over but for the flushing
};

}  // namespace switchboard

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::begin_drain)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::finish_drain)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::close_connection)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::connection_opened)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::connection_drained)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::connection_closed)
