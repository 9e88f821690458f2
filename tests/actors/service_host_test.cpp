// Whose calls a service host runs, and when: with a clock that only the service's own handlers move.

#include <algorithm>

#include <caf/abstract_actor.hpp>
#include <caf/actor_cast.hpp>
#include <caf/send.hpp>
#include <gtest/gtest.h>

#include <switchboard/actors/service_host.hpp>
#include <switchboard/echo/v1/echo.pb.h>
#include <switchboard/rpc/allowance.hpp>
#include <switchboard/testkit/acting.hpp>
#include <switchboard/testkit/stage.hpp>

namespace switchboard::actors {
namespace {

using echo::v1::SayReply;
using echo::v1::SayRequest;

class ServiceHost : public testing::Test {
protected:
  /// Takes its time for each call, by the stage's clock.
  struct slow_echo {
    explicit slow_echo(ServiceHost* test) : test_(*test) {}

    SayReply say(const SayRequest&, const rpc::call_context& call) {
      test_.stage.port().advance(test_.time_for_a_call);
      test_.order.push_back({call.caller().id, call.number()});
      if (test_.during_call) test_.during_call();
      return {};
    }

    ServiceHost& test_;
  };

  struct ran {
    std::uint64_t caller = 0;
    std::uint64_t call = 0;  ///< 0: heard of an end
    friend bool operator==(const ran&, const ran&) = default;
  };

  ServiceHost() {
    host_ = stage.system().spawn<service_host>(stage.pump(), definition_);
    connection_ = testkit::spawn_acting(stage.system(), {[](rpc::answers&) {}});
    watcher_ = testkit::spawn_acting(stage.system(), {[this](const rpc::call_ended& ended) {
                                       order.push_back({ended.caller, 0});
                                     }});
  }
  ~ServiceHost() override {
    for (const auto& each : {host_, connection_, watcher_}) caf::anon_send_exit(each, caf::exit_reason::user_shutdown);
    stage.settle();
  }

  std::shared_ptr<const rpc::caller> caller(std::uint64_t id) const {
    return std::make_shared<const rpc::caller>(rpc::caller{id,
                                                           caf::actor_cast<caf::strong_actor_ptr>(connection_),
                                                           "test",
                                                           {},
                                                           1 << 20,
                                                           std::make_shared<rpc::allowance>(1 << 20)});
  }
  /// Calls with these numbers, as one read of a connection has them.
  void send(const std::shared_ptr<const rpc::caller>& from, std::uint64_t first, std::uint64_t last) {
    rpc::call_batch batch{from};
    for (auto call = first; call <= last; ++call)
      batch.add(call, definition_->methods().front(), {}, rpc::time_point::max());
    caf::anon_send(host_, rpc::calls{std::move(batch)});
  }
  void send_end(const std::shared_ptr<const rpc::caller>& from, std::uint64_t call = 1) {
    rpc::call_batch batch{from};
    batch.add_end({caf::actor_cast<caf::strong_actor_ptr>(watcher_), {from->id, call}});
    caf::anon_send(host_, rpc::calls{std::move(batch)});
  }
  /// Has the host handle what waits in its mailbox, as a worker does.
  caf::resumable::resume_result resume(std::size_t messages_max) {
    auto* const host = static_cast<service_host*>(caf::actor_cast<caf::abstract_actor*>(host_));
    return host->resume(stage.system().dummy_execution_unit(), messages_max);
  }
  std::size_t place_of(ran what) const {
    return static_cast<std::size_t>(std::find(order.begin(), order.end(), what) - order.begin());
  }

  testkit::stage stage;
  std::chrono::microseconds time_for_a_call{0};
  std::function<void()> during_call;
  std::vector<ran> order;

private:
  const std::shared_ptr<const rpc::service_definition> definition_ =
      std::make_shared<const rpc::service_definition>(rpc::service<slow_echo>("switchboard.echo.v1.Echo", this)
                                                          .unary("Say", &slow_echo::say)
                                                          .
                                                          operator rpc::service_definition());
  caf::actor host_;
  caf::actor connection_;
  caf::actor watcher_;
};

TEST_F(ServiceHost, RunsAWholeBatchThatIsQuick) {
  send(caller(1), 1, 1000);
  send(caller(2), 1, 1);
  stage.settle();
  EXPECT_EQ(place_of({2, 1}), 1000u);
}

TEST_F(ServiceHost, LetsOthersHaveTheirTurnWhenABatchTakesLong) {
  time_for_a_call = service_host::time_slice;
  send(caller(1), 1, 1000);
  send(caller(2), 1, 1);
  send(caller(3), 1, 1);
  stage.settle();
  EXPECT_EQ(place_of({2, 1}), service_host::calls_between_looks);
  EXPECT_EQ(place_of({3, 1}), service_host::calls_between_looks + 1);
  EXPECT_EQ(order.size(), 1002u);
}

TEST_F(ServiceHost, EndsATurnByTheTimeOfAllItsCalls) {
  time_for_a_call = std::chrono::microseconds{service_host::time_slice} / 100;
  send(caller(1), 1, 1000);
  send(caller(2), 1, 1);
  stage.settle();
  EXPECT_LE(place_of({2, 1}), 100 + service_host::calls_between_looks);
}

TEST_F(ServiceHost, KeepsTheOrderOfAConnectionsCallsAndEndsAcrossTurns) {
  time_for_a_call = service_host::time_slice;
  const auto one = caller(1);
  send(one, 1, 20);
  send_end(one);
  send(one, 21, 40);
  stage.settle();
  std::vector<ran> expected;
  for (std::uint64_t call = 1; call <= 40; ++call) expected.push_back({1, call});
  // The host goes on with the calls after an end that it has passed to its watcher.
  std::vector<ran> calls;
  std::copy_if(order.begin(), order.end(), std::back_inserter(calls), [](const ran& each) { return each.call != 0; });
  EXPECT_EQ(calls, expected);
  EXPECT_GT(place_of({1, 0}), place_of({1, 20}));
}

TEST_F(ServiceHost, LetsGoOfItsThreadWhenItsTimeSliceIsOver) {
  stage.settle();
  time_for_a_call = service_host::time_slice;
  for (std::uint64_t caller_id = 1; caller_id <= 64; ++caller_id) send(caller(caller_id), 1, 1);
  EXPECT_EQ(resume(64), caf::resumable::resume_later);
  EXPECT_LE(order.size(), service_host::calls_between_looks);
  stage.settle();
  EXPECT_EQ(order.size(), 64u);
}

TEST_F(ServiceHost, HandlesAsManyMessagesAsItMayWhereTheyAreQuick) {
  stage.settle();
  for (std::uint64_t caller_id = 1; caller_id <= 64; ++caller_id) send(caller(caller_id), 1, 1);
  resume(64);
  EXPECT_EQ(order.size(), 64u);
}

TEST_F(ServiceHost, RunsNoCallsThatHaveEndedWhileTheyWaited) {
  time_for_a_call = service_host::time_slice;
  const auto one = caller(1);
  send(one, 1, 20);
  for (std::uint64_t call = 11; call <= 20; ++call) send_end(one, call);
  send(one, 21, 22);
  stage.settle();
  std::vector<std::uint64_t> ran_calls;
  for (const auto& each : order)
    if (each.call != 0) ran_calls.push_back(each.call);
  EXPECT_EQ(ran_calls, (std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 21, 22}));
  EXPECT_EQ(order.size(), 12u + 10u) << "their watcher hears of the ends all the same";
}

TEST_F(ServiceHost, RunsNoMoreCallsOfAConnectionThatIsGone) {
  time_for_a_call = service_host::time_slice;
  const auto one = caller(1);
  during_call = [&] { one->allowance->close(); };
  send(one, 1, 1000);
  send(one, 1001, 2000);
  send(caller(2), 1, 1);
  stage.settle();
  EXPECT_EQ(order.size(), 2u) << "the call during which it went, and the other's";
  EXPECT_EQ(order.back(), (ran{2, 1}));
}

TEST_F(ServiceHost, GoesOnWithAConnectionThatTakesItsRepliesAgainBetweenTurns) {
  time_for_a_call = service_host::time_slice;
  const auto one = caller(1);
  send(one, 1, 40);
  during_call = [&] {
    if (order.size() == 12) one->allowance->output(2 << 20);
  };
  stage.settle();
  EXPECT_EQ(order.size(), 12u);
  one->allowance->output(0);
  for (const auto& each : one->allowance->take_waiting())
    caf::anon_send(caf::actor_cast<caf::actor>(each), rpc::resume_calls{1});
  stage.settle();
  EXPECT_EQ(order.size(), 40u);
}

}  // namespace
}  // namespace switchboard::actors
