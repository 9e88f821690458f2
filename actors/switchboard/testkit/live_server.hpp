#pragma once

/// A real server in the test's own process: services on a port the system picked, ended with the test.
///
///     testkit::live_server server;
///     server.add(rpc::service<echo>("switchboard.echo.v1.Echo")…);
///     auto client = server.connect();
///
/// Threads    one: the test's. The server has workers of its own.
/// Owns       the pump, the actor system and the broker; the destructor ends them, in that order from the last.
/// Errors     what a test cannot go on without aborts with the reason.

#include <memory>
#include <optional>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include <switchboard/actors/broker.hpp>
#include <switchboard/client/blocking_client.hpp>
#include <switchboard/pump/notification_pump.hpp>

namespace switchboard::testkit {

struct live_options {
  std::size_t threads = 2;
  switchboard::limits limits{};
  /// CAF's own scheduler, with the pump on threads of its own, instead of the pump as the scheduler.
  bool stock_scheduler = false;
};

class live_server {
public:
  using options = live_options;

  explicit live_server(options wanted = {});
  ~live_server();

  /// Before the first connect() or endpoint().
  void add(rpc::service_definition service);
  /// Starts to serve, the first time; where.
  const net::endpoint& endpoint();
  client::blocking_client connect(client::clock::duration patience = default_patience);

  switchboard::broker& broker() noexcept { return *broker_; }
  caf::actor_system& system() noexcept { return *system_; }
  const std::shared_ptr<notification_pump>& pump() const noexcept { return pump_; }

  /// Parts of the end, for tests of its order; each once, and not of what is needed afterwards.
  void end_broker() { broker_.reset(); }
  void end_pump() { pump_->stop(); }
  void end_system() { system_.reset(); }

  static constexpr client::clock::duration default_patience = std::chrono::seconds{10};

private:
  const bool stock_scheduler_;
  std::unique_ptr<caf::actor_system_config> config_;
  std::shared_ptr<notification_pump> pump_;
  std::optional<caf::actor_system> system_;
  std::optional<switchboard::broker> broker_;
  std::optional<net::endpoint> endpoint_;
};

}  // namespace switchboard::testkit
