// What a connection may make its server hold: which calls run, which wait for room, and what makes room.

#include "connection_fixture.hpp"

#include <limits>
#include <random>
#include <string>

namespace switchboard::actors {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kib = 1024;

class ConnectionAllowance : public ConnectionTest {
protected:
  /// A call of Say with a payload of one byte: its request, and an answer that holds it.
  static constexpr std::size_t short_call = 2 * 3 + rpc::method::default_answer_bytes_max;

  static limits with_room_for(std::size_t running) { return {.connection_memory_max = running}; }
  std::int64_t waiting() const { return environment->figures->read().value("switchboard_calls_waiting"); }
  void answer_first(const std::string& payload = "done") {
    desk.said.front().reply(reply(payload));
    desk.said.pop_front();
    stage.settle();
  }
  /// The payloads of the calls that have run, of one byte each.
  std::string ran() const {
    std::string all;
    for (const auto& each : desk.payloads) all += each;
    return all;
  }
  static std::string open_describe(std::uint64_t call) {
    std::string out;
    wire::append_open(out, call, "switchboard.v1.Reflection/Describe", {}, true, 0, 0);
    return out;
  }
};

TEST_F(ConnectionAllowance, HoldsACallWhoseDeclaredAnswerHasNoRoomUntilThereIs) {
  say_answer_bytes_max = 40 * kib;
  start(with_room_for(100 * kib));
  receive(open_say(1, "a") + open_say(3, "b") + open_say(5, "c"));
  EXPECT_EQ(ran(), "ab");
  answer_first();
  EXPECT_EQ(ran(), "abc");
}

TEST_F(ConnectionAllowance, ReservesFourKibibytesBeyondTheRequestWhereNothingIsDeclared) {
  start(with_room_for(3 * short_call));
  receive(open_say(1, "a") + open_say(3, "b") + open_say(5, "c") + open_say(7, "d"));
  EXPECT_EQ(ran(), "abc");
}

TEST_F(ConnectionAllowance, RunsHeldCallsInTheirOrder) {
  start(with_room_for(64 * kib));
  const std::string large(20 * kib, 'x');
  receive(open_say(1, "a") + open_say(3, large) + open_say(5, large) + open_say(7, "b"));
  EXPECT_EQ(desk.payloads, (std::deque<std::string>{"a", large}))
      << "b would have room, and comes after one that has none";
  answer_first();
  answer_first();
  EXPECT_EQ(desk.payloads, (std::deque<std::string>{"a", large, large, "b"}));
}

TEST_F(ConnectionAllowance, RunsACallThatTakesMoreThanAllOfItAlone) {
  say_answer_bytes_max = 100 * kib;
  start(with_room_for(64 * kib));
  receive(open_say(1, "a") + open_say(3, "b"));
  EXPECT_EQ(ran(), "a");
  answer_first();
  EXPECT_EQ(ran(), "ab");
}

TEST_F(ConnectionAllowance, CountsAnAnswerUntilTheClientTakesIt) {
  say_answer_bytes_max = 40 * kib;
  start(with_room_for(100 * kib));
  wire->room = 0;
  receive(open_say(1, "a") + open_say(3, "b") + open_say(5, "c"));
  answer_first(std::string(30 * kib, 'x'));
  EXPECT_EQ(ran(), "ab") << "30 KiB of output, 40 of another answer";
  make_room(kib * kib);
  EXPECT_EQ(ran(), "abc");
}

TEST_F(ConnectionAllowance, IsToppedUpByALargerAnswer) {
  start(with_room_for(50 * kib));
  wire->room = 0;
  receive(open_say(1, "a"));
  answer_first(std::string(48 * kib, 'x'));
  receive(open_say(3, "b"));
  EXPECT_EQ(ran(), "a");
  make_room(kib * kib);
  EXPECT_EQ(ran(), "ab");
}

TEST_F(ConnectionAllowance, IsToppedUpWhileAServiceMakesLargerAnswers) {
  start(with_room_for(200 * kib));
  wire->room = 0;
  desk.at_once = std::string(60 * kib, 'x');
  std::string calls;
  for (std::uint64_t call = 1; call < 80; call += 2) calls += open_say(call, "a");
  receive(calls);
  // Answers leave in parcels of two, and are charged then.
  EXPECT_LE(desk.payloads.size(), 200u / 60 + 3);
  make_room(std::numeric_limits<std::size_t>::max() / 2);
  EXPECT_EQ(sent().size(), 40u);
}

TEST_F(ConnectionAllowance, EndsAHeldCallThatIsCancelledAndItsServiceHearsNothing) {
  start(with_room_for(64 * kib));
  const std::string large(20 * kib, 'x');
  receive(open_say(1, large) + open_say(3, large) + open_say(5, "b"));
  ASSERT_EQ(desk.payloads, (std::deque<std::string>{large}));
  receive(status(3, rpc::code::cancelled));
  EXPECT_EQ(desk.payloads, (std::deque<std::string>{large, "b"})) << "what came after it has room";
  answer_first();
  answer_first();
  receive(open_say(7, std::string(100, 'c')));
  EXPECT_EQ(desk.payloads.size(), 3u);
  EXPECT_EQ(sent().size(), 2u) << "a cancelled call is not answered";
}

TEST_F(ConnectionAllowance, GivesBackTheRequestOfAHeldCallThatIsCancelled) {
  const auto memory = environment->memory = std::make_shared<budget::ledger>(std::size_t{1} << 30);
  start(with_room_for(64 * kib));
  receive(open_say(1, std::string(20 * kib, 'x')) + open_say(3, std::string(20 * kib, 'x')));
  EXPECT_GE(memory->used(), 40 * kib);
  receive(status(3, rpc::code::cancelled));
  EXPECT_LE(memory->used(), 20 * kib + budget::account::step + budget::account::slack);
}

TEST_F(ConnectionAllowance, EndsAHeldCallAtItsDeadline) {
  start(with_room_for(short_call));
  receive(open_say(1, "a") + open_say(3, "b", 50));
  stage.advance(51ms);
  const auto answer = sent_one();
  EXPECT_EQ(answer.call(), 3u);
  EXPECT_EQ(code_of(answer), rpc::code::deadline_exceeded);
  answer_first();
  EXPECT_EQ(ran(), "a");
}

TEST_F(ConnectionAllowance, TakesCreditAndCancelsWhileCallsAreHeld) {
  start(with_room_for(2 * short_call));
  std::vector<std::uint64_t> ended;
  receive(open_repeat(1, 0));
  ASSERT_FALSE(desk.streams.front().send(reply("x")));
  receive(open_say(3, "a") + open_say(5, "b") + open_say(7, "c"));
  desk.said.front().watch(watcher(ended));
  stage.settle();
  ASSERT_EQ(ran(), "ab");
  receive(credit(1, 1));
  ASSERT_TRUE(desk.streams.front().send(reply("x")));
  stage.settle();
  EXPECT_EQ(payload_of(sent_one()), "x");
  receive(status(3, rpc::code::cancelled));
  EXPECT_EQ(ended, std::vector<std::uint64_t>{3});
}

TEST_F(ConnectionAllowance, AnswersPingsWhileCallsAreHeld) {
  start(with_room_for(short_call));
  receive(open_say(1, "a") + open_say(3, "b") + open_ping(5));
  EXPECT_EQ(sent_one().call(), 5u);
}

TEST_F(ConnectionAllowance, CountsTheRequestsOfHeldCallsAmongThoseInFlight) {
  say_answer_bytes_max = 80 * kib;
  start({.connection_memory_max = 200 * kib, .request_bytes_in_flight_max = 40 * kib});
  receive(open_say(1, "a") + open_say(3, std::string(30 * kib, 'x')));
  EXPECT_TRUE(has(armed_filter(), interest::in)) << "a call that waits does not stop reading";
  receive(open_say(5, std::string(15 * kib, 'x')));
  EXPECT_EQ(armed_filter(), interest::hangup);
}

TEST_F(ConnectionAllowance, CountsTheCallsThatWait) {
  start(with_room_for(short_call));
  receive(open_say(1, "a") + open_say(3, "b") + open_say(5, "c"));
  EXPECT_EQ(waiting(), 2);
  receive(status(5, rpc::code::cancelled));
  EXPECT_EQ(waiting(), 1);
  answer_first();
  EXPECT_EQ(waiting(), 0);
  receive(open_say(7, "d"));
  EXPECT_EQ(waiting(), 1);
  tell(close_connection{});
  EXPECT_EQ(waiting(), 0);
}

TEST_F(ConnectionAllowance, CountsHeldCallsAmongTheOpenOnes) {
  auto bounds = with_room_for(short_call);
  bounds.open_calls_max = 2;
  start(bounds);
  receive(open_say(1, "a") + open_say(3, "b") + open_say(5, "c"));
  const auto refused = sent_one();
  EXPECT_EQ(refused.call(), 5u);
  EXPECT_EQ(code_of(refused), rpc::code::resource_exhausted);
}

TEST_F(ConnectionAllowance, CountsACallUntilItsServiceReleasesItEvenIfItIsCancelled) {
  start(with_room_for(short_call));
  receive(open_say(1, "a") + status(1, rpc::code::cancelled) + open_say(3, "b"));
  EXPECT_EQ(ran(), "a");
  answer_first();
  EXPECT_EQ(ran(), "ab");
}

TEST_F(ConnectionAllowance, CountsNoAnswerOfAStreamThatHasBegun) {
  start(with_room_for(short_call));
  receive(open_repeat(1, 0) + open_say(3, "a"));
  EXPECT_EQ(ran(), "");
  desk.streams.front().send(reply("x"));
  stage.settle();
  EXPECT_EQ(ran(), "a");
}

TEST_F(ConnectionAllowance, HoldsADescriptionThatHasNoRoom) {
  start(with_room_for(short_call));
  ASSERT_GT(environment->directory->description().size(), rpc::method::default_answer_bytes_max);
  receive(open_say(1, "a") + open_describe(3) + open_describe(5));
  EXPECT_TRUE(sent().empty());
  answer_first();
  const auto answers = sent();
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(answers[1].message(), environment->directory->description());
  EXPECT_EQ(answers[2].message(), environment->directory->description());
}

TEST_F(ConnectionAllowance, EndsAHeldDescriptionThatIsCancelled) {
  start(with_room_for(short_call));
  receive(open_say(1, "a") + open_describe(3) + status(3, rpc::code::cancelled));
  answer_first();
  EXPECT_EQ(sent_one().call(), 1u);
}

TEST_F(ConnectionAllowance, AnswersHeldCallsOfAServerThatDrains) {
  start(with_room_for(short_call));
  receive(open_say(1, "a") + open_say(3, "b"));
  tell(begin_drain{});
  answer_first();
  EXPECT_EQ(broker.drained, 0u);
  answer_first();
  EXPECT_EQ(broker.drained, 1u);
  EXPECT_EQ(sent().size(), 2u);
}

TEST_F(ConnectionAllowance, AnswersHeldCallsOfAClientThatHasSentAllItHad) {
  start(with_room_for(short_call));
  receive(open_say(1, "a") + open_say(3, "b"));
  receive_end();
  answer_first();
  answer_first();
  EXPECT_EQ(sent().size(), 2u);
}

/// A stream that a room has answered and watches, as it does those of its members, with calls that come after it.
class ConnectionAllowanceOrder : public ConnectionAllowance {
protected:
  void start_with_calls_that_wait() {
    start(with_room_for(2 * short_call));
    const auto room = room_behind_the_service(heard_);
    receive(open_repeat(1, 1));
    desk.streams.front().watch(room);
    desk.streams.front().send(reply("joined"));
    receive(open_say(3, "a") + open_say(5, "b") + open_say(7, "c") + open_say(9, "d"));
    ASSERT_EQ(ran(), "ab");
  }
  void answer_all() {
    while (!desk.said.empty()) answer_first();
  }
  const std::vector<std::string> calls_then_end_{"a", "b", "c", "d", "the end"};
  std::vector<std::string> heard_;
};

TEST_F(ConnectionAllowanceOrder, AServiceHearsOfACancelledStreamAfterTheHeldCallsThatCameBefore) {
  start_with_calls_that_wait();
  receive(status(1, rpc::code::cancelled) + open_say(11, "e"));
  answer_all();
  EXPECT_EQ(heard_, (std::vector<std::string>{"a", "b", "c", "d", "the end", "e"}));
}

TEST_F(ConnectionAllowanceOrder, AServiceHearsOfTheStreamsOfAServerThatDrainsAfterTheHeldCalls) {
  start_with_calls_that_wait();
  tell(begin_drain{});
  EXPECT_EQ(code_of(sent().back()), rpc::code::unavailable) << "the client hears of it at once";
  answer_all();
  EXPECT_EQ(heard_, calls_then_end_);
}

TEST_F(ConnectionAllowanceOrder, AServiceHearsOfTheStreamsOfAClientThatHasSentAllItHadAfterTheHeldCalls) {
  start_with_calls_that_wait();
  receive_end();
  answer_all();
  EXPECT_EQ(heard_, calls_then_end_);
}

TEST_F(ConnectionAllowanceOrder, AServiceHearsOfAStreamWhenTheHeldCallsThatCameBeforeAreCancelled) {
  start_with_calls_that_wait();
  receive(status(1, rpc::code::cancelled) + status(9, rpc::code::cancelled));
  EXPECT_EQ(heard_, (std::vector<std::string>{"a", "b"}));
  receive(status(7, rpc::code::cancelled));
  EXPECT_EQ(heard_, (std::vector<std::string>{"a", "b", "the end"}));
}

TEST_F(ConnectionAllowanceOrder, AServiceHearsOfAStreamWhenTheConnectionEnds) {
  start_with_calls_that_wait();
  receive(status(1, rpc::code::cancelled));
  tell(close_connection{});
  EXPECT_EQ(heard_, (std::vector<std::string>{"a", "b", "the end"}));
}

TEST_F(ConnectionAllowance, RunsNoHeldStreamThatIsCancelledAndNotYetEnded) {
  start(with_room_for(short_call));
  wire->room = 0;
  desk.at_once = std::string(8 * kib, 'x');
  receive(open_say(1, "a"));
  std::string calls;
  std::uint64_t call = 3;
  for (std::size_t n = 0; n < 2 * ended_at_once; ++n, call += 2) calls += open_repeat(call, 0);
  receive(calls + open_say(call, "b"));
  ASSERT_EQ(ran(), "a") << "the answer takes all there is";
  // The client ends and reads, so there is room in the turn that cancels the first of the streams.
  wire->room = std::numeric_limits<std::size_t>::max() / 2;
  wire->input_ends = true;
  stage.port().fire(socket, event::in | event::out | event::hangup);
  stage.settle();
  EXPECT_TRUE(desk.streams.empty());
  EXPECT_EQ(ran(), "ab");
}

TEST_F(ConnectionAllowance, HoldsNothingAfterTheConnectionsEnd) {
  const auto memory = environment->memory = std::make_shared<budget::ledger>(std::size_t{1} << 30);
  start(with_room_for(short_call));
  receive(open_say(1, "a") + open_say(3, std::string(60 * kib, 'x')) + open_describe(5));
  tell(close_connection{});
  EXPECT_EQ(memory->used(), 0u);
  EXPECT_EQ(ran(), "a");
}

TEST_F(ConnectionAllowance, IsWholeAgainAfterAnyCalls) {
  start(with_room_for(10 * short_call));
  const auto seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 dice{seed};
  std::uint64_t call = 1;
  for (int round = 0; round < 300; ++round) {
    if (dice() % 3 > 0)
      receive(open_say(call, std::string(dice() % (8 * kib), 'x')));
    else
      receive(open_repeat(call, 0));
    if (dice() % 4 == 0) receive(status(call, rpc::code::cancelled));
    call += 2;
    if (dice() % 2 == 0 && !desk.said.empty()) answer_first();
    if (dice() % 5 == 0) desk.said.clear();
    if (dice() % 2 == 0) desk.streams.clear();
    stage.settle();
  }
  // Also what was not read while too much waited.
  while (!desk.said.empty() || !desk.streams.empty() || !wire->input.empty()) {
    desk.said.clear();
    desk.streams.clear();
    stage.port().fire(socket, event::in);
    stage.settle();
  }
  desk.payloads.clear();
  std::string all;
  for (int n = 0; n < 11; ++n, call += 2) all += open_say(call, "a");
  receive(all);
  EXPECT_EQ(desk.payloads.size(), 10u) << "as many as it has room for, and not one more";
}

}  // namespace
}  // namespace switchboard::actors
