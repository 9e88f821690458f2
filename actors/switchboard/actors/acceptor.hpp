#pragma once

/// Takes the connections of one listener and has an actor made for each.
///
///     message              from    effect
///     socket_ready         pump    accepts what waits, up to `burst`, and re-arms
///     deadline_expired     pump    tries again after the process was out of descriptors, or the port out of memory
///     close_acceptor       broker  removes the registration
///     registration_closed  pump    closes the listener, notifies the broker, ends
///
/// Threads    an actor.
/// Owns       the listener.
/// Limits     connections in all and per address (actors/limits.hpp): one more gets a status that says so, and is closed.
/// Errors     out of descriptors is logged by name; connections that wait are refused with a status instead of being left in
///            the backlog, and accepting pauses: a level-triggered listener that cannot accept would spin.

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string_view>

#include <caf/event_based_actor.hpp>

#include <switchboard/actors/connection_environment.hpp>
#include <switchboard/actors/connection_messages.hpp>
#include <switchboard/actors/open_connections.hpp>
#include <switchboard/limit/limit_monitor.hpp>
#include <switchboard/net/listener.hpp>

namespace switchboard::actors {

/// From the broker.
struct close_acceptor {};
/// To the broker: every connection it ever started was announced before.
struct acceptor_closed {
  caf::actor_id acceptor;
};

/// Makes the actor of a connection, whatever is spoken on it; it keeps to connection_messages.hpp, and holds `place` until
/// its socket is closed.
using connection_factory =
    std::function<caf::strong_actor_ptr(caf::event_based_actor& acceptor, std::uint64_t id,
                                        std::unique_ptr<net::transport> transport, connection_place place)>;

/// What the acceptors of a broker share.
struct acceptor_environment {
  std::shared_ptr<const connection_environment> connections;
  std::shared_ptr<std::atomic<std::uint64_t>> ids;  ///< numbers connections
  std::shared_ptr<open_connections> places;
};

class acceptor : public caf::event_based_actor {
public:
  /// Connections accepted per readiness, so that accepting a flood leaves room for serving.
  static constexpr int burst = 64;
  /// Connections refused at once when descriptors have run out, and the pause after it.
  static constexpr int refusals = 64;
  static constexpr std::chrono::milliseconds pause{100};

  acceptor(caf::actor_config& config, acceptor_environment environment, std::unique_ptr<net::listener> listener,
           connection_factory factory);

  const char* name() const override { return "switchboard.acceptor"; }
  void on_exit() override;

protected:
  caf::behavior make_behavior() override;

private:
  void accept_burst();
  void take(std::unique_ptr<net::transport> accepted);
  void turn_away(net::transport& from, limit_monitor& limit, std::string_view why);
  void refuse_and_pause(std::error_code why);
  void go_on_later();
  void arm();
  void close();
  void finish_close();

  notification_pump& pump() const noexcept { return *shared_.connections->pump; }

  const acceptor_environment shared_;
  const connection_factory factory_;
  std::unique_ptr<net::listener> listener_;
  registration_id registration_ = registration_id::none;
  limit_monitor descriptors_;
  metrics::counter refused_;
  deadline_id pause_ = deadline_id::none;
  bool closing_ = false;
};

}  // namespace switchboard::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::actors::close_acceptor)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::actors::acceptor_closed)
