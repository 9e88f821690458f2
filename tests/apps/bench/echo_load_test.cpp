// What the echo load finds of a server's answers, and what it counts latencies from.

#include "load/echo_load.hpp"

#include "scripted_server.hpp"

#include <set>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include <switchboard/wire/frame_encoder.hpp>

namespace switchboard::bench {
namespace {

using namespace std::chrono_literals;

void echo(const wire::frame_view& call, std::string& out) {
  wire::append_message(out, call.call, call.message, true);
}

TEST(EchoLoad, FindsNothingWrongWithAnEcho) {
  scripted_server server{frames([](const auto& call, std::size_t, std::string& out) { echo(call, out); })};
  echo_load load{server.address(), {.connections = 3, .outstanding = 2}};
  const auto slice = load.run(20ms);
  EXPECT_EQ(slice.wrong, faults{});
  EXPECT_EQ(load.verify(), faults{});
  EXPECT_GE(slice.results, 6u);
  EXPECT_EQ(slice.latency.count(), slice.results);
}

TEST(EchoLoad, TakesAnswersThatOvertakeOneAnother) {
  std::string held;
  scripted_server server{frames([&](const auto& call, std::size_t number, std::string& out) {
    echo(call, number % 2 == 0 ? held : out);
    if (number % 2 == 1) out += std::exchange(held, {});
  })};
  echo_load load{server.address(), {.connections = 1, .outstanding = 2}};
  EXPECT_EQ(load.run_all_once(), faults{});
}

TEST(EchoLoad, FindsAnAnswerWithThePayloadOfAnotherCall) {
  std::string first;
  scripted_server server{frames([&](const auto& call, std::size_t number, std::string& out) {
    if (number == 0) first = call.message;
    wire::append_message(out, call.call, number == 1 ? first : std::string(call.message), true);
  })};
  echo_load load{server.address(), {.connections = 1, .outstanding = 4}};
  EXPECT_EQ(load.run_all_once(), (faults{.corrupted = 1}));
}

TEST(EchoLoad, FindsAnAnswerThatComesTwice) {
  scripted_server server{frames([](const auto& call, std::size_t number, std::string& out) {
    echo(call, out);
    if (number == 1) echo(call, out);
  })};
  echo_load load{server.address(), {.connections = 1, .outstanding = 4}};
  EXPECT_EQ(load.run_all_once(), (faults{.duplicated = 1}));
}

TEST(EchoLoad, FindsASecondAnswerToTheLastCallAfterwards) {
  scripted_server server{frames([](const auto& call, std::size_t number, std::string& out) {
    echo(call, out);
    if (number == 3) echo(call, out);
  })};
  echo_load load{server.address(), {.connections = 1, .outstanding = 4}};
  auto wrong = load.run_all_once();
  wrong += load.verify();
  EXPECT_EQ(wrong, (faults{.duplicated = 1}));
}

TEST(EchoLoad, ConnectsFromSeveralAddressesWhereOneHasTooFewPorts) {
  scripted_server server{frames([](const auto& call, std::size_t, std::string& out) { echo(call, out); })};
  echo_load load{server.address(), {.connections = 5, .per_address = 2}};
  EXPECT_EQ(load.run_all_once(), faults{});
  EXPECT_EQ(server.clients(), (std::set<std::string>{"127.0.0.1", "127.0.0.2", "127.0.0.3"}));
}

TEST(EchoLoad, MakesAsManyCallsAsTheRateSays) {
  scripted_server server{frames([](const auto& call, std::size_t, std::string& out) { echo(call, out); })};
  echo_load load{server.address(), {.connections = 4, .outstanding = 64, .rate = 1000}};
  const auto slice = load.run(100ms);
  EXPECT_EQ(slice.results, 100u);
  EXPECT_GE(slice.duration, 100ms);
  EXPECT_EQ(slice.lateness.count(), 100u);
}

TEST(EchoLoad, CountsAServersPauseInEveryCallThatWasDueInIt) {
  // One connection and one call outstanding: without a schedule a pause would hold up, and show in, one call only.
  scripted_server server{frames([](const auto& call, std::size_t number, std::string& out) {
    if (number == 10) std::this_thread::sleep_for(100ms);
    echo(call, out);
  })};
  echo_load load{server.address(), {.connections = 1, .outstanding = 1, .rate = 1000}};
  const auto slice = load.run(200ms);
  EXPECT_EQ(slice.results, 200u);
  // 100 of 200 were due in the pause, the first waited for all of it: a quarter of all waited for half of it.
  EXPECT_GE(slice.latency.quantile(0.8), 45ms);
  // The client waited for the server, and was not late itself.
  EXPECT_LT(slice.lateness.quantile(0.8), 45ms);
}

}  // namespace
}  // namespace switchboard::bench
