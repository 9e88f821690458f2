// Every way a call of every kind can end, as both sides see it, and that nothing is leaked.

#include "kinds_service.hpp"

#include <gtest/gtest.h>

#include <switchboard/client/stub.hpp>
#include <switchboard/testkit/eventually.hpp>
#include <switchboard/testkit/live_server.hpp>

namespace switchboard {
namespace {

using namespace std::chrono_literals;
using rpc::code;
constexpr auto patience = 20s;

using client::method_name;

class CallEnding : public testing::TestWithParam<method_name> {
protected:
  CallEnding() { server.add(Kinds::service<kinds_service>(sees)); }
  ~CallEnding() override {
    // Nothing of any call is left, on any path: no connection, no deadline, no registration but the listener's.
    connection = std::nullopt;
    EXPECT_TRUE(testkit::eventually([&] { return server.figures().value("switchboard_connections") == 0; }));
    EXPECT_TRUE(testkit::eventually([&] { return server.pump()->deadlines() == 0; }));
  }

  /// Opens a call whose handler is ordered to be in this mood, and waits until the handler runs.
  client::stream open(Order::Mood mood, client::deadline until = client::deadline::max()) {
    Order order;
    order.set_mood(mood);
    if (!connection) connection.emplace(server.connect());
    client::stream call;
    if (rpc::streams_requests(GetParam().kind)) {
      call = connection->open(GetParam(), {.credit = 8, .until = until});
      // Where the call has ended by then, as while its service is started anew, end_of() says how.
      (void)call.send(order, client::within(patience));
    } else {
      call = connection->open(GetParam(), order, {.credit = 8, .until = until});
    }
    EXPECT_TRUE(connection->flush(client::within(patience)));
    return call;
  }
  void await_handler() {
    ASSERT_TRUE(testkit::eventually([&] { return sees->held() == 1; }));
  }
  static rpc::status end_of(client::stream& call) {
    Done done;
    while (true) {
      const auto step = call.next(done, client::within(patience));
      if (step.ended()) return step.status;
      if (step.timed_out()) return {code::unknown, "the call did not end"};
    }
  }
  bool handler_saw(code end) {
    return testkit::eventually([&] { return sees->ends() == std::vector{end}; });
  }

  std::shared_ptr<witness> sees = std::make_shared<witness>();
  testkit::live_server server;
  std::optional<client::channel> connection;
};

TEST_P(CallEnding, AnAnswerIsOk) {
  auto call = open(Order::ANSWER);
  if (rpc::streams_requests(GetParam().kind)) call.finish();
  EXPECT_TRUE(end_of(call).ok());
}

TEST_P(CallEnding, AHandlerThatThrowsIsInternalAndTheServiceLivesOn) {
  auto call = open(Order::THROW);
  EXPECT_EQ(end_of(call).code, code::internal);
  auto next = open(Order::ANSWER);
  if (rpc::streams_requests(GetParam().kind)) next.finish();
  EXPECT_TRUE(end_of(next).ok());
  EXPECT_EQ(server.figures().total("switchboard_service_restarts_total"), 0);
}

TEST_P(CallEnding, ACallThatIsLetGoIsInternal) {
  auto call = open(Order::LET_GO);
  EXPECT_EQ(end_of(call).code, code::internal);
}

TEST_P(CallEnding, AServiceThatDiesIsUnavailableAndIsStartedAnew) {
  auto call = open(Order::DIE);
  EXPECT_EQ(end_of(call).code, code::unavailable);
  ASSERT_TRUE(testkit::eventually([&] { return server.figures().total("switchboard_service_restarts_total") == 1; }));
  ASSERT_TRUE(testkit::eventually([&] {
    auto next = open(Order::ANSWER);
    if (rpc::streams_requests(GetParam().kind)) next.finish();
    return end_of(next).ok();
  }));
}

TEST_P(CallEnding, ADeadlineThatPassesEndsItOnBothSides) {
  auto call = open(Order::HOLD, client::within(50ms));
  // The client is not driven meanwhile: it is the server that ends the call.
  EXPECT_TRUE(handler_saw(code::deadline_exceeded));
  EXPECT_EQ(end_of(call).code, code::deadline_exceeded);
}

TEST_P(CallEnding, ACancelReachesTheHandler) {
  auto call = open(Order::HOLD);
  await_handler();
  call.cancel();
  EXPECT_EQ(end_of(call).code, code::cancelled);
  EXPECT_TRUE(connection->flush(client::within(patience)));
  EXPECT_TRUE(handler_saw(code::cancelled));
}

TEST_P(CallEnding, AConnectionThatBreaksCancelsItAtTheHandler) {
  auto call = open(Order::HOLD);
  await_handler();
  call = {};
  connection = std::nullopt;
  EXPECT_TRUE(handler_saw(code::cancelled));
}

TEST_P(CallEnding, AServerThatStopsIsUnavailable) {
  auto call = open(Order::HOLD);
  await_handler();
  server.broker().stop();
  EXPECT_EQ(end_of(call).code, code::unavailable);
  EXPECT_TRUE(handler_saw(code::cancelled));
}

TEST_P(CallEnding, WithoutADeadlineItStaysOpenUntilItIsCancelled) {
  auto call = open(Order::HOLD);
  await_handler();
  Done done;
  // Whatever else the connection carries goes on meanwhile.
  for (int i = 0; i < 10; ++i) {
    Order order;
    ASSERT_TRUE(connection->call(Kinds::unary::name, order, done, client::within(patience)).ok());
  }
  EXPECT_TRUE(call.next(done, client::no_wait).timed_out());
  call.cancel();
  EXPECT_TRUE(connection->flush(client::within(patience)));
  EXPECT_TRUE(handler_saw(code::cancelled));
}

INSTANTIATE_TEST_SUITE_P(OfEveryKind, CallEnding,
                         testing::Values(client::method_of<Kinds::unary>(), client::method_of<Kinds::serving>(),
                                         client::method_of<Kinds::taking>(), client::method_of<Kinds::both>()),
                         [](const auto& each) {
                           return std::string(each.param.name.substr(each.param.name.find('/') + 1));
                         });

}  // namespace
}  // namespace switchboard
