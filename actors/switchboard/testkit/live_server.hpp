#pragma once

/// A real server in the test's own process: services on a port the system picked, ended with the test.
///
///     testkit::live_server server;
///     server.add(rpc::service<echo>("switchboard.echo.v1.Echo")…);
///     auto client = server.connect();
///
/// Threads    one: the test's. The server has workers of its own.
/// Owns       an embedded_server on the port that chosen_port.hpp says; it ends with this.
/// Errors     what a test cannot go on without aborts with the reason.

#include <optional>

#include <caf/actor_system.hpp>

#include <switchboard/actors/broker.hpp>
#include <switchboard/client/channel.hpp>
#include <switchboard/server/embedded_server.hpp>

namespace switchboard::testkit {

struct live_options {
  std::size_t threads = 2;
  actors::limits limits{};
  actor_scheduler scheduler = actor_scheduler::pump;
};

class live_server {
public:
  using options = live_options;

  explicit live_server(const options& wanted = {});

  /// Before the first connect() or endpoint().
  void add(rpc::service_definition service);
  /// Starts to serve, the first time; where.
  const net::endpoint& endpoint();
  client::channel connect(client::clock::duration patience = default_patience);
  /// Ends the server at once, ahead of the test.
  void stop() { server_.broker().stop(); }

  actors::broker& broker() noexcept { return server_.broker(); }
  /// What the server has counted by now.
  metrics::snapshot figures() const { return metrics()->read(); }
  const std::shared_ptr<metrics::registry>& metrics() const noexcept { return server_.metrics(); }
  caf::actor_system& system() noexcept { return server_.system(); }
  const std::shared_ptr<notification_pump>& pump() const noexcept { return server_.pump(); }

  static constexpr client::clock::duration default_patience = std::chrono::seconds{10};

private:
  embedded_server server_;
  std::optional<net::endpoint> endpoint_;
};

}  // namespace switchboard::testkit
