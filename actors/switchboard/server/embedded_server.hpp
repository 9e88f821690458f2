#pragma once

/// A server inside a program that has a main of its own: all that `server` starts, without its command line, signals and
/// exit status.
///
///     auto server = switchboard::embedded_server::start({
///         .listen = {*switchboard::net::endpoint::parse("127.0.0.1:0")},
///         .services = {Echo::service<echo>()},
///     });
///     if (!server) return complain(server.status().message);
///     …server->endpoints().front()…
///
/// Why        port, pump, scheduler, actor system and broker have an order in which they are made and one in which they
///            end; a program should not have to know it.
/// Threads    one at a time, none of them a worker. The server has workers of its own; more than one server may run.
/// Owns       the pump, the actor system and the broker. The destructor stops them at once, open calls or not; drain()
///            before it ends in order. Actors that the program spawns in system() must end by themselves, or the
///            destructor waits for them.
/// Errors     of start(): a sentence. Where it fails nothing is left running.

#include <memory>
#include <vector>

#include <switchboard/actors/authenticator.hpp>
#include <switchboard/actors/limits.hpp>
#include <switchboard/budget/ledger.hpp>
#include <switchboard/metrics/registry.hpp>
#include <switchboard/net/endpoint.hpp>
#include <switchboard/notify/port_backend.hpp>
#include <switchboard/rpc/caf_forward.hpp>
#include <switchboard/rpc/interceptor.hpp>
#include <switchboard/rpc/result.hpp>
#include <switchboard/rpc/service.hpp>

namespace switchboard {

namespace actors {
class broker;
}
class notification_pump;
namespace net {
class network;
}

/// What runs the actors.
enum class actor_scheduler : unsigned char {
  pump,   ///< workers that wait in the notification port: the fast one
  stock,  ///< CAF's own, with the pump on a thread beside it: for programs whose actors block
};

struct embedded_options {
  std::vector<net::endpoint> listen{};  ///< served when start() returns; broker().listen() adds to them
  std::vector<rpc::service_definition> services{};
  std::vector<std::shared_ptr<rpc::interceptor>> interceptors{};
  actors::authenticator authenticate{};  ///< empty: every connection may call
  actors::limits limits{};
  std::size_t threads = 1;  ///< workers
  /// What makes the notification port.
  const notify::port_backend* port = &notify::port_backend::all().front();
  actor_scheduler scheduler = actor_scheduler::pump;
  net::network* network = nullptr;  ///< where it listens; the operating system's where none is given
  /// Where the server counts; null: in a registry of its own.
  std::shared_ptr<metrics::registry> figures{};
  /// Where the server counts what its clients make it hold, so that what its services hold may be counted there too; null: in
  /// a ledger of its own, of limits::memory_max.
  std::shared_ptr<budget::ledger> memory{};
};

/// A ledger of `memory_max`; where that is 0, of half of what the machine, or its control group, allows.
std::shared_ptr<budget::ledger> memory_within(std::size_t memory_max, std::shared_ptr<metrics::registry> figures);

class embedded_server {
public:
  [[nodiscard]] static rpc::result<embedded_server> start(const embedded_options& options = {});
  embedded_server(embedded_server&&) noexcept;
  embedded_server& operator=(embedded_server&&) = delete;
  ~embedded_server();

  /// Where it listens, in the order of embedded_options::listen, each with its actual port.
  const std::vector<net::endpoint>& endpoints() const noexcept;
  /// Ends in order, as limits::drain_timeout allows: see broker::drain().
  void drain();

  /// What the server counts (framework/docs/metrics.md).
  const std::shared_ptr<metrics::registry>& metrics() const noexcept;
  /// What its clients make it hold.
  const std::shared_ptr<budget::ledger>& memory() const noexcept;
  /// In <switchboard/actors/broker.hpp>.
  actors::broker& broker() noexcept;
  caf::actor_system& system() noexcept;
  const std::shared_ptr<notification_pump>& pump() const noexcept;

private:
  struct parts;
  explicit embedded_server(std::unique_ptr<parts> made) noexcept;

  std::unique_ptr<parts> parts_;
};

}  // namespace switchboard
