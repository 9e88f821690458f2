#include <switchboard/pump/scheduler.hpp>
#include <switchboard/server/descriptor_limit.hpp>
#include <switchboard/testkit/chosen_port.hpp>
#include <switchboard/testkit/live_server.hpp>

namespace switchboard::testkit {

live_server::live_server(options wanted)
    : stock_scheduler_(wanted.stock_scheduler),
      config_(std::make_unique<caf::actor_system_config>()),
      pump_(notification_pump::create(make_chosen_port())) {
  // As server programs do: both ends of every connection are in this process.
  const auto raised = raise_descriptor_limit();
  SWITCHBOARD_INVARIANT(raised, "the descriptor limit is unknown");
  config_->set("scheduler.max-threads", wanted.threads);
  if (!wanted.stock_scheduler) use_pump_scheduler(*config_, pump_);
  system_.emplace(*config_);
  if (wanted.stock_scheduler) {
    const auto started = pump_->start(1);
    SWITCHBOARD_INVARIANT(!started, "the pump's thread did not start");
  }
  broker_.emplace(*system_, pump_, wanted.limits);
}

live_server::~live_server() {
  broker_.reset();
  // Its thread may still be inside the scheduler with the message that ended the last actor.
  if (stock_scheduler_) pump_->stop();
}

void live_server::add(rpc::service_definition service) {
  const auto wrong = broker_->add(std::move(service));
  SWITCHBOARD_INVARIANT(wrong.empty(), wrong.c_str());
}

const net::endpoint& live_server::endpoint() {
  if (!endpoint_) endpoint_ = broker_->listen(net::endpoint::tcp("127.0.0.1", 0)).value();
  return *endpoint_;
}

client::blocking_client live_server::connect(client::clock::duration patience) {
  return client::blocking_client::connect(endpoint(), client::within(patience)).value();
}

}  // namespace switchboard::testkit
