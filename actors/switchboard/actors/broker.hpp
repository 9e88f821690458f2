#pragma once

/// A message server inside an actor system: services, listeners, and an orderly end.
///
///     broker.add(rpc::service<echo>("switchboard.echo.v1.Echo")…);
///     broker.listen(*net::endpoint::parse("127.0.0.1:0"));
///     …
///     broker.drain();
///
/// Why        its broker actor keeps account of every actor the framework started, so that nothing outlives
///            it.
/// Threads    add and listen: one at a time, not from an actor. drain, stop: any thread that is not a worker.
///            metrics: any.
/// Owns       the broker actor, its acceptors, connections and service actors. Shares the pump and the figures.
/// Errors     of start-up are returned. A service actor that dies is logged and started anew, at once the first time
///            and after growing pauses if it keeps dying; its callers get UNAVAILABLE meanwhile.
/// Order      end the broker before its actor system's destructor runs: that one waits for all actors. The pump may be
///            stopped before or after.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <caf/actor_cast.hpp>
#include <caf/fwd.hpp>
#include <caf/typed_actor.hpp>

#include <switchboard/actors/connection_environment.hpp>
#include <switchboard/net/network.hpp>
#include <switchboard/rpc/protobuf_message.hpp>

namespace switchboard::actors {

class broker {
public:
  /// `memory`: what its clients make it hold is counted there; null: in a ledger of its own, of limits::memory_max.
  broker(caf::actor_system& system, std::shared_ptr<notification_pump> pump, actors::limits limits = {},
         net::network& network = net::system_network(),
         std::shared_ptr<metrics::registry> figures = std::make_shared<metrics::registry>(),
         std::shared_ptr<budget::ledger> memory = nullptr);
  /// stop()
  ~broker();
  broker(const broker&) = delete;
  broker& operator=(const broker&) = delete;

  /// Adds a service, before the first listen(). A sentence says why not; it is empty where the service was added.
  [[nodiscard]] std::string add(rpc::service_definition service);
  /// Has `around` asked before each call of a service and notified of its end (rpc/interceptor.hpp). Before the first
  /// listen().
  void intercept(std::shared_ptr<rpc::interceptor> around);
  /// Demands Session/Authenticate of every connection before its first other call. Before the first listen().
  void demand_authentication(authenticator check);
  /// Starts the services, if this is the first, and serves at `at`. Returns the endpoint with its actual port.
  error_or<net::endpoint> listen(const net::endpoint& at);
  /// The same with a listener that is there, whatever transports it makes.
  void serve(std::unique_ptr<net::listener> listener);

  /// Ends in order: nothing new is accepted, streams end, unary calls get limits::drain_timeout, output is flushed.
  /// Returns when every actor has ended.
  void drain();
  /// drain() without waiting, for programs that step their actors; ended() says when it is over.
  void begin_drain();
  bool ended() const;
  /// Ends at once: connections are closed as they are. Returns when every actor has ended. Idempotent; overtakes a
  /// drain().
  void stop();

  /// What this broker, its connections and its services count (framework/docs/metrics.md).
  const std::shared_ptr<metrics::registry>& metrics() const noexcept { return figures_; }

  /// The actor that serves `Service`, a generated struct, now, for actors of this process; null before the first
  /// listen(), while it is restarted, and for services with an actor for each key or connection.
  template <class Service>
  typename Service::actor actor_of() const {
    return caf::actor_cast<typename Service::actor>(host_of(Service::full_name));
  }

private:
  struct shared_state;
  void start();
  caf::strong_actor_ptr host_of(std::string_view service) const;
  template <class Message>
  void tell(Message message);

  caf::actor_system& system_;
  std::shared_ptr<notification_pump> pump_;
  actors::limits limits_;
  net::network& network_;
  std::shared_ptr<metrics::registry> figures_;
  std::shared_ptr<budget::ledger> memory_;
  std::vector<std::shared_ptr<rpc::interceptor>> interceptors_;
  authenticator authenticate_;
  std::shared_ptr<service_directory> directory_;
  std::shared_ptr<shared_state> state_;
  std::shared_ptr<connection_environment> environment_;  ///< null before the start and after the end

  friend class broker_actor;
};

}  // namespace switchboard::actors
