#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include <switchboard/actors/broker.hpp>
#include <switchboard/actors/server_memory.hpp>
#include <switchboard/net/network.hpp>
#include <switchboard/pump/notification_pump.hpp>
#include <switchboard/pump/scheduler.hpp>
#include <switchboard/server/embedded_server.hpp>
#include <switchboard/server/memory_allowed.hpp>

namespace switchboard {

/// In the order in which they are made; they end in the opposite one.
struct embedded_server::parts {
  parts(std::unique_ptr<notify::notification_port> port, const embedded_options& options)
      : scheduler(options.scheduler),
        figures(options.figures ? options.figures : std::make_shared<metrics::registry>()),
        memory(options.memory ? options.memory : memory_within(options.limits.memory_max, figures)),
        pump(notification_pump::create(std::move(port), figures)),
        system(configure(options)),
        serving(system, pump, options.limits, options.network ? *options.network : net::system_network(), figures,
                memory) {}

  ~parts() {
    serving.stop();
    // Its thread may still be inside the scheduler with the message that ended the last actor.
    if (scheduler == actor_scheduler::stock) pump->stop();
  }

  caf::actor_system_config& configure(const embedded_options& options) {
    config.set("scheduler.max-threads", options.threads);
    config.set("logger.verbosity", caf::atom("quiet"));
    if (scheduler == actor_scheduler::pump) use_pump_scheduler(config, pump);
    return config;
  }

  const actor_scheduler scheduler;
  const std::shared_ptr<metrics::registry> figures;
  const std::shared_ptr<budget::ledger> memory;
  const std::shared_ptr<notification_pump> pump;
  caf::actor_system_config config;
  caf::actor_system system;
  actors::broker serving;
  std::vector<net::endpoint> endpoints;
};

namespace {

rpc::status refused(std::string why) {
  return {rpc::code::failed_precondition, std::move(why)};
}

}  // namespace

std::shared_ptr<budget::ledger> memory_within(std::size_t memory_max, std::shared_ptr<metrics::registry> figures) {
  return actors::server_memory(memory_max != 0 ? memory_max : memory_allowed() / 2, std::move(figures));
}

rpc::result<embedded_server> embedded_server::start(const embedded_options& options) {
  if (auto wrong = options.limits.check(); !wrong.empty()) return refused(std::move(wrong));
  if (options.threads == 0) return refused("a server needs at least one worker");
  auto port = options.port->make();
  if (!port)
    return refused("notification port " + std::string(options.port->name) + ": " + port.error().message() +
                   "; it needs " + std::string(options.port->needs));
  embedded_server made{std::make_unique<parts>(std::move(*port), options)};
  if (options.scheduler == actor_scheduler::stock)
    if (const auto failed = made.pump()->start(1)) return refused("the pump's thread: " + failed.message());
  for (const auto& service : options.services)
    if (auto wrong = made.broker().add(service); !wrong.empty()) return refused(std::move(wrong));
  for (const auto& each : options.interceptors) made.broker().intercept(each);
  if (options.authenticate) made.broker().demand_authentication(options.authenticate);
  for (const auto& at : options.listen) {
    auto local = made.broker().listen(at);
    if (!local) return refused("cannot listen on " + at.to_string() + ": " + local.error().message());
    made.parts_->endpoints.push_back(std::move(*local));
  }
  return made;
}

embedded_server::embedded_server(std::unique_ptr<parts> made) noexcept : parts_(std::move(made)) {}
embedded_server::embedded_server(embedded_server&&) noexcept = default;
embedded_server::~embedded_server() = default;

const std::vector<net::endpoint>& embedded_server::endpoints() const noexcept {
  return parts_->endpoints;
}

void embedded_server::drain() {
  parts_->serving.drain();
}

const std::shared_ptr<metrics::registry>& embedded_server::metrics() const noexcept {
  return parts_->figures;
}

const std::shared_ptr<budget::ledger>& embedded_server::memory() const noexcept {
  return parts_->memory;
}

actors::broker& embedded_server::broker() noexcept {
  return parts_->serving;
}

caf::actor_system& embedded_server::system() noexcept {
  return parts_->system;
}

const std::shared_ptr<notification_pump>& embedded_server::pump() const noexcept {
  return parts_->pump;
}

}  // namespace switchboard
