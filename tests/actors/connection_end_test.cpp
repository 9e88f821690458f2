// What becomes of the calls of a connection that ends with more of them than one turn has time for.

#include "connection_fixture.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace switchboard::actors {
namespace {

constexpr std::size_t many = 2 * ended_at_once + 10;

class ConnectionEnd : public ConnectionTest {
protected:
  /// Its allowance has room for all of the calls.
  void start() { ConnectionTest::start({.connection_memory_max = many * 8 * 1024}); }
  /// The client opens so many calls, which their service keeps.
  void open_calls(std::size_t count) {
    for (std::size_t opened = 0; opened < count;) {
      std::string frames;
      for (std::size_t each = 0; each < 100 && opened < count; ++each) frames += open_say(2 * opened++ + 1, "a");
      receive(frames);
    }
  }
  /// Puts a service in the place of the one that is there, which keeps calls and counts how many ends come together.
  void record_ends(std::vector<std::size_t>& together) {
    const auto recorder = stage.system().spawn(
        [](caf::event_based_actor*, std::vector<std::size_t>* counts,
           std::vector<rpc::incoming_call>* calls) -> caf::behavior {
          return {[=](rpc::calls& batch) {
            std::size_t ends = 0;
            batch->each_end([&](const rpc::call_ended&) { ++ends; });
            if (ends > 0) counts->push_back(ends);
            batch->take_each([&](const rpc::method&, rpc::incoming_call& call) { calls->push_back(std::move(call)); });
          }};
        },
        &together, &kept_);
    auto& route = environment->directory->routes().front();
    caf::anon_send_exit(route.host(), caf::exit_reason::user_shutdown);
    route.host(caf::actor_cast<caf::strong_actor_ptr>(recorder));
  }

  void TearDown() override {
    kept_.clear();
    ConnectionTest::TearDown();
  }

private:
  std::vector<rpc::incoming_call> kept_;
};

TEST_F(ConnectionEnd, TellsServicesOfSoManyEndsATurn) {
  start();
  std::vector<std::size_t> together;
  record_ends(together);
  open_calls(many);
  tell(close_connection{});
  EXPECT_EQ(together, (std::vector<std::size_t>{ended_at_once, ended_at_once, 10}));
  EXPECT_EQ(broker.closed, std::vector<close_reason>{close_reason::stopped});
}

TEST_F(ConnectionEnd, StopsSoManyCallsATurnWhenTheServersDrainIsOver) {
  start();
  std::vector<std::size_t> together;
  record_ends(together);
  open_calls(many);
  tell(begin_drain{});
  EXPECT_TRUE(together.empty());
  tell(finish_drain{});
  EXPECT_EQ(together, (std::vector<std::size_t>{ended_at_once, ended_at_once, 10}));
  const auto answers = sent();
  ASSERT_EQ(answers.size(), many);
  for (const auto& each : answers) EXPECT_EQ(code_of(each), rpc::code::unavailable);
  stage.advance(std::chrono::seconds(3));
  EXPECT_EQ(broker.closed, std::vector<close_reason>{close_reason::drained});
}

TEST_F(ConnectionEnd, StopsManyStreamsWhenTheServerDrainsAndAnswersTheRest) {
  start();
  std::string frames;
  std::uint64_t call = 1;
  for (; call < 2 * many; call += 2) frames += open_repeat(call, 1);
  receive(frames + open_say(call, "a"));
  post(begin_drain{});
  receive(open_say(call + 2, "late"));
  EXPECT_EQ(sent().size(), many + 1) << "the streams and the late one";
  desk.said.front().reply(reply("done"));
  stage.settle();
  EXPECT_EQ(payload_of(sent().back()), "done");
}

TEST_F(ConnectionEnd, RunsNoHeldCallWhenTheServersDrainIsOver) {
  ConnectionTest::start({.connection_memory_max = ended_at_once * 4 * 1024});
  open_calls(many);
  const auto ran = desk.payloads.size();
  ASSERT_LT(ran, ended_at_once);
  tell(begin_drain{});
  tell(finish_drain{});
  EXPECT_EQ(desk.payloads.size(), ran);
  EXPECT_EQ(sent().size(), many);
}

TEST_F(ConnectionEnd, IsAtOnceWhereMemoryIsShortWhileItWaitsForItsClientToHangUp) {
  start();
  open_calls(many);
  receive(status(0, rpc::code::ok));
  EXPECT_TRUE(broker.closed.empty()) << "it has sent all it had, and reads on for a while";
  post(memory_is_short{});
  post(cancel_calls{call_table::which::all});
  stage.settle();
  EXPECT_EQ(broker.closed, std::vector<close_reason>{close_reason::memory_max});
}

TEST_F(ConnectionEnd, GoesOnWhereMemoryIsShortAndItHoldsNothing) {
  start();
  post(memory_is_short{});
  stage.settle();
  EXPECT_TRUE(broker.closed.empty());
  EXPECT_TRUE(sent().empty());
}

TEST_F(ConnectionEnd, TellsAllWatchers) {
  start();
  open_calls(many);
  std::vector<std::uint64_t> ended;
  const auto all = watcher(ended);
  for (auto& each : desk.said) each.watch(all);
  stage.settle();
  tell(close_connection{});
  EXPECT_EQ(ended.size(), many);
  EXPECT_TRUE(std::is_sorted(ended.begin(), ended.end()));
}

TEST_F(ConnectionEnd, TellsAllWatchersAlsoWhereItFails) {
  start();
  open_calls(many);
  std::vector<std::uint64_t> ended;
  const auto all = watcher(ended);
  for (auto& each : desk.said) each.watch(all);
  stage.settle();
  fail_connection();
  EXPECT_EQ(ended.size(), many);
}

TEST_F(ConnectionEnd, SendsNoAnswerToACallThatIsYetToBeCancelled) {
  start();
  open_calls(many);
  post(memory_is_short{});
  desk.said.back().reply(reply("too late"));
  stage.settle();
  const auto last = sent_one();
  EXPECT_EQ(last.call(), 0u);
  EXPECT_EQ(code_of(last), rpc::code::resource_exhausted);
}

TEST_F(ConnectionEnd, NoticesAWatcherOfACallThatIsYetToBeCancelled) {
  start();
  open_calls(many);
  std::vector<std::uint64_t> ended;
  post(memory_is_short{});
  desk.said.back().watch(watcher(ended));
  stage.settle();
  EXPECT_EQ(ended, std::vector<std::uint64_t>{2 * many - 1});
}

TEST_F(ConnectionEnd, CancelsACallWhoseDeadlinePassesMeanwhile) {
  start();
  open_calls(many);
  receive(open_say(2 * many + 1, "a", 10));
  post(memory_is_short{});
  stage.advance(std::chrono::milliseconds(11));
  EXPECT_EQ(sent_one().call(), 0u);
}

}  // namespace
}  // namespace switchboard::actors
