// Every order in which an application may end a broker, its actor system and its pump, with a thousand open
// connections.

#include "echo_service.hpp"

#include <algorithm>
#include <optional>
#include <thread>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <gtest/gtest.h>

#include <switchboard/actors/broker.hpp>
#include <switchboard/client/channel.hpp>
#include <switchboard/pump/scheduler.hpp>
#include <switchboard/server/descriptor_limit.hpp>
#include <switchboard/testkit/chosen_port.hpp>

namespace switchboard {
namespace {

using namespace std::chrono_literals;
using client::within;

enum class part { broker, system, pump };

struct stopping_order {
  const char* name;
  std::vector<part> parts;
};

class Stopping : public testing::TestWithParam<std::tuple<stopping_order, bool>> {
protected:
  static constexpr int connections = 1'000;

  Stopping()
      : on_stock_scheduler(std::get<1>(GetParam())), pump(notification_pump::create(testkit::make_chosen_port())) {
    EXPECT_TRUE(raise_descriptor_limit());
    config.set("scheduler.max-threads", 2);
    if (!on_stock_scheduler) use_pump_scheduler(config, pump);
    system.emplace(config);
    if (on_stock_scheduler) {
      EXPECT_FALSE(pump->start(1));
    }
    serving.emplace(*system, pump);
    EXPECT_TRUE(serving->add(moody_echo_service()).empty());
    const auto local = serving->listen(net::endpoint::tcp("127.0.0.1", 0));
    EXPECT_TRUE(local) << local.error().message();
    if (local) at = *local;
  }

  // Raw transports: a client would need a port of its own for each.
  void open_connections() {
    for (int i = 0; i < connections; ++i) {
      auto transport = net::system_network().connect(at);
      ASSERT_TRUE(transport) << transport.error().message();
      clients.push_back(std::move(*transport));
    }
    // An answer on the last one means that all before it were accepted.
    auto last = std::move(*client::channel::connect(at, within(20s)));
    SayReply reply;
    ASSERT_TRUE(last.call(say_method.name, say_request("hello"), reply, within(20s)).ok());
    (void)last.open(say_method, say_request("hold"));
  }

  void end(part which) {
    switch (which) {
      case part::broker:
        return serving.reset();
      case part::pump:
        return pump->stop();
      case part::system:
        return system.reset();
    }
  }

  const bool on_stock_scheduler;
  const std::shared_ptr<notification_pump> pump;
  caf::actor_system_config config;
  std::optional<caf::actor_system> system;
  std::optional<actors::broker> serving;
  net::endpoint at = net::endpoint::tcp("127.0.0.1", 0);
  std::vector<std::unique_ptr<net::transport>> clients;
};

INSTANTIATE_TEST_SUITE_P(
    , Stopping,
    testing::Combine(
        testing::Values(stopping_order{"BrokerSystemPump", {part::broker, part::system, part::pump}},
                        stopping_order{"BrokerPumpSystem", {part::broker, part::pump, part::system}},
                        stopping_order{"PumpBrokerSystem", {part::pump, part::broker, part::system}},
                        stopping_order{"SystemWaitsForBroker", {part::system, part::broker, part::pump}},
                        stopping_order{"PumpSystemWaitsForBroker", {part::pump, part::system, part::broker}},
                        stopping_order{"SystemWaitsForBrokerAfterPump", {part::system, part::pump, part::broker}}),
        testing::Bool()),
    [](const auto& each) {
      return std::string(std::get<0>(each.param).name) +
             (std::get<1>(each.param) ? "OnStockScheduler" : "OnPumpScheduler");
    });

TEST_P(Stopping, EndsWithoutLeavingAnythingBehind) {
  open_connections();
  const auto& parts = std::get<0>(GetParam()).parts;
  const auto of_system = std::find(parts.begin(), parts.end(), part::system);
  std::for_each(parts.begin(), of_system, [&](part each) { end(each); });
  // The system's destructor waits for all actors, and belongs to the thread that made the system (CAF's log is bound to
  // it), so what is ended after it is ended meanwhile, by another.
  std::thread rest([&] { std::for_each(of_system + 1, parts.end(), [&](part each) { end(each); }); });
  end(part::system);
  rest.join();
  EXPECT_EQ(pump->registrations(), 0u);
  EXPECT_EQ(pump->deadlines(), 0u);
  EXPECT_LE(pump.use_count(), 2) << "besides the test, at most the configuration holds the pump";
}

}  // namespace
}  // namespace switchboard
