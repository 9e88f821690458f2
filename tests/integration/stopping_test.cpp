// Every order in which an application may end a broker, its actor system and its pump, with a thousand open
// connections.

#include "echo_service.hpp"

#include <algorithm>
#include <thread>

#include <gtest/gtest.h>

#include <switchboard/testkit/live_server.hpp>

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

  // Raw transports: a client would need a port of its own for each.
  void open_connections() {
    for (int i = 0; i < connections; ++i) {
      auto transport = net::system_network().connect(server.endpoint());
      ASSERT_TRUE(transport) << transport.error().message();
      clients.push_back(std::move(*transport));
    }
    // An answer on the last one means that all before it were accepted.
    auto last = server.connect();
    SayReply reply;
    ASSERT_TRUE(last.call(say_method, say_request("hello"), reply, within(20s)).ok());
    (void)last.open(say_method, say_request("hold"), {.end = true});
  }

  void end(part which) {
    switch (which) {
      case part::broker:
        return server.end_broker();
      case part::pump:
        return server.end_pump();
      case part::system:
        return server.end_system();
    }
  }

  testkit::live_server server{{.threads = 2, .stock_scheduler = std::get<1>(GetParam())}};
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
  server.add(moody_echo_service());
  open_connections();
  const auto& parts = std::get<0>(GetParam()).parts;
  const auto system = std::find(parts.begin(), parts.end(), part::system);
  std::for_each(parts.begin(), system, [&](part each) { end(each); });
  // The system's destructor waits for all actors, and belongs to the thread that made the system (CAF's log is bound to
  // it), so what is ended after it is ended meanwhile, by another.
  std::thread rest([&] { std::for_each(system + 1, parts.end(), [&](part each) { end(each); }); });
  end(part::system);
  rest.join();
  EXPECT_EQ(server.pump()->registrations(), 0u);
  EXPECT_EQ(server.pump()->deadlines(), 0u);
  EXPECT_LE(server.pump().use_count(), 2) << "besides the server, at most the configuration holds the pump";
}

}  // namespace
}  // namespace switchboard
