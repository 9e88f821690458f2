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
///     deadline_expired     pump      any           a call's deadline (its number), the link's, that of
///                                                  authentication, or the client is silent
///     begin_drain          broker    open          streams end, new calls are refused, unary calls go on
///     finish_drain         broker    live          what is left unanswered is refused; flush, shut down
///     memory_is_short      ledger    live          it ends: its client makes the server hold more than any other
///     close_connection     broker    any           at once, without a status
///     registration_closed  pump      closing       the socket is closed, the broker notified, the actor ends
///
/// States     the link's (link/state.hpp); "live" are all before closing.
/// Owns       the link, the client's calls over it, and its place among the server's connections.
/// Errors     a client's mistakes end its calls with a status, or the connection with a status on call 0. Every end has
///            one close_reason, of which the broker is notified.

#include <memory>

#include <switchboard/actors/client_memory.hpp>
#include <switchboard/actors/client_session.hpp>
#include <switchboard/actors/connection_environment.hpp>
#include <switchboard/actors/connection_messages.hpp>
#include <switchboard/actors/idle_watch.hpp>
#include <switchboard/actors/open_connections.hpp>
#include <switchboard/actors/peer_watch.hpp>
#include <switchboard/actors/served_calls.hpp>
#include <switchboard/link/actor_driver.hpp>
#include <switchboard/link/frame_link.hpp>
#include <switchboard/pump/direct_actor.hpp>

namespace switchboard::actors {

class connection final : public direct_actor, private link::upper_layer {
public:
  connection(caf::actor_config& config, std::shared_ptr<const connection_environment> environment, std::uint64_t id,
             std::unique_ptr<net::transport> transport, connection_place place = {});

  const char* name() const override { return "switchboard.connection"; }
  void on_exit() override;

protected:
  caf::behavior make_behavior() override;
  bool deliver(caf::mailbox_element& message) override;

private:
  /// Of the deadline for authentication; the link's are multiples of 4, those of calls odd, and the watches have their own.
  static constexpr std::uint64_t authentication_tag = 2;

  void on_open() override;
  void on_frame(const wire::frame_view& frame) override;
  void after_frames() override;
  void on_malformed(std::error_code why) override;
  void on_end_of_stream() override;
  bool accepts_input() const noexcept override { return calls_.accept_more(); }
  void on_output_low() override { calls_.resume_streams(); }
  void on_closing(link::close_reason reason, std::error_code why) override;
  void on_closed(link::close_reason reason) override;

  void on_deadline(const deadline_expired& expired);
  void on_silence();
  void drain(call_table::which those, std::uint64_t after = 0);
  void end_with_status(link::close_reason reason, rpc::code code, std::string_view text);
  /// Runs a handler, and what each ends with.
  template <class Handle>
  void turn(Handle&& handle);

  std::shared_ptr<const connection_environment> environment_;
  link::actor_driver driver_;
  link::frame_link link_;
  client_session session_;
  served_calls calls_;
  struct {
    idle_watch idle;
    peer_watch peer;
  } watches_;
  client_memory memory_;
  connection_place place_;
  deadline_id authentication_ = deadline_id::none;
  bool drain_reported_ = false;
  bool finishing_ = false;  ///< the server's drain is over but for the flushing
};

}  // namespace switchboard::actors
