#include "connection_fixture.hpp"

#include <set>

#include <caf/send.hpp>

#include <switchboard/rpc/turn.hpp>

namespace switchboard::actors {

using namespace std::chrono_literals;

namespace {

// -- reading --------------------------------------------------------------------------------------------------------

TEST_F(ConnectionTest, ArmsForInputAndHangup) {
  start();
  EXPECT_EQ(armed_filter(), interest::in | interest::hangup);
}

TEST_F(ConnectionTest, AnswersAUnaryCall) {
  start();
  receive(open_say(1, "hello"));
  ASSERT_EQ(desk.payloads, std::deque<std::string>{"hello"});
  desk.said.front().reply(reply("hello"));
  stage.settle();
  const auto answer = sent_one();
  EXPECT_EQ(answer.call(), 1u);
  EXPECT_TRUE(answer.end());
  EXPECT_FALSE(answer.has_status());
  EXPECT_EQ(payload_of(answer), "hello");
}

TEST_F(ConnectionTest, ReadsACallCutAtEveryByte) {
  start();
  std::uint64_t call = 1;
  const auto size = open_say(call, "cut here").size();
  for (std::size_t cut = 0; cut <= size; ++cut, call += 2) {
    const auto bytes = open_say(call, "cut here");
    receive(bytes.substr(0, cut));
    receive(bytes.substr(cut));
    ASSERT_EQ(desk.said.size(), 1u) << "cut at " << cut;
    EXPECT_EQ(desk.said.front().context().number(), call);
    desk = {};
  }
}

TEST_F(ConnectionTest, RearmsOncePerReadiness) {
  start();
  const auto before = stage.port().find(socket)->arms;
  receive(open_say(1, "a") + open_say(3, "b"));
  EXPECT_EQ(stage.port().find(socket)->arms, before + 1);
}

TEST_F(ConnectionTest, IgnoresEmptyFramesAndAnythingButStatusOnCallZero) {
  start();
  v1::Frame on_zero;
  on_zero.set_method("x.Y/Z");
  on_zero.set_message("m");
  on_zero.set_credit(3);
  receive(std::string(1, '\0') + frame(on_zero));
  receive(open_say(1, "still here"));
  EXPECT_EQ(desk.said.size(), 1u);
  EXPECT_TRUE(sent().empty());
}

TEST_F(ConnectionTest, ToleratesReadinessWithoutInput) {
  start();
  ASSERT_TRUE(stage.port().fire(socket, event::in));
  stage.settle();
  EXPECT_EQ(armed_filter(), interest::in | interest::hangup);
  EXPECT_TRUE(broker.closed.empty());
}

// -- writing --------------------------------------------------------------------------------------------------------

TEST_F(ConnectionTest, WritesAnswersThatArriveTogetherAtOnce) {
  start();
  receive(open_say(1, "a") + open_say(3, "b") + open_say(5, "c"));
  for (auto& call : desk.said) call.reply(reply("together"));
  stage.settle();
  EXPECT_EQ(wire->writes, 1u);
  EXPECT_EQ(sent().size(), 3u);
}

TEST_F(ConnectionTest, WaitsForRoomWhenAWriteBlocks) {
  start();
  receive(open_say(1, "a"));
  wire->room = 3;
  desk.said.front().reply(reply("a longer reply"));
  stage.settle();
  EXPECT_EQ(wire->output.size(), 3u);
  EXPECT_EQ(armed_filter(), interest::in | interest::hangup | interest::out);
  make_room(1000);
  EXPECT_EQ(payload_of(sent_one()), "a longer reply");
  EXPECT_EQ(armed_filter(), interest::in | interest::hangup);
}

TEST_F(ConnectionTest, SendsRepliesBeforeQueuedStreamMessagesOfOtherCalls) {
  start();
  receive(open_repeat(1, 1000) + open_say(3, "urgent"));
  wire->room = 0;
  int left = 10;
  desk.streams.front().generate([&](SayReply& message) {
    message.set_payload("bulk");
    return left-- > 0;
  });
  stage.settle();
  desk.said.front().reply(reply("overtakes"));
  stage.settle();
  make_room(1 << 20);
  const auto frames = sent();
  ASSERT_EQ(frames.size(), 12u);
  EXPECT_EQ(frames.front().call(), 3u);
  EXPECT_EQ(frames.back().call(), 1u);
  EXPECT_TRUE(frames.back().end());
}

TEST_F(ConnectionTest, NeverPutsAReplyInsideAFrameThatHasBegun) {
  start();
  receive(open_repeat(1, 2) + open_say(3, "urgent"));
  wire->room = 5;
  int left = 2;
  desk.streams.front().generate([&](SayReply& message) {
    message.set_payload("a frame of a stream that is cut in the middle");
    return left-- > 0;
  });
  stage.settle();
  desk.said.front().reply(reply("after the frame that has begun"));
  stage.settle();
  make_room(1 << 20);
  const auto frames = sent();
  ASSERT_EQ(frames.size(), 4u);
  EXPECT_EQ(frames[0].call(), 1u);
  EXPECT_EQ(frames[1].call(), 3u);
  EXPECT_EQ(frames[2].call(), 1u);
}

TEST_F(ConnectionTest, SendsAStreamsEndBehindItsOwnMessages) {
  start();
  receive(open_repeat(1, 3));
  wire->room = 0;
  int left = 3;
  desk.streams.front().generate([&](SayReply& message) {
    message.set_payload("m");
    return left-- > 0;
  });
  stage.settle();
  make_room(1 << 20);
  const auto frames = sent();
  ASSERT_EQ(frames.size(), 4u);
  EXPECT_TRUE(frames.back().end());
  EXPECT_FALSE(frames.back().has_message());
}

// -- streams and credit ---------------------------------------------------------------------------------------------

TEST_F(ConnectionTest, SendsNoMoreStreamMessagesThanItHasCreditFor) {
  start();
  receive(open_repeat(1, 2));
  desk.streams.front().generate([](SayReply& message) {
    message.set_payload("endless");
    return true;
  });
  stage.settle();
  EXPECT_EQ(sent().size(), 2u);
  receive(credit(1, 3));
  EXPECT_EQ(sent().size(), 3u);
}

TEST_F(ConnectionTest, EndsAStreamWithoutCreditForTheEnd) {
  start();
  receive(open_repeat(1, 1));
  bool sent_once = false;
  desk.streams.front().generate([&](SayReply& message) {
    message.set_payload("only");
    return !std::exchange(sent_once, true);
  });
  stage.settle();
  const auto frames = sent();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_TRUE(frames.back().end());
}

TEST_F(ConnectionTest, CapsCreditInsteadOfOverflowing) {
  start();
  receive(open_repeat(1, 0xFFFFFFFF));
  receive(credit(1, 0xFFFFFFFF) + credit(1, 0xFFFFFFFF));
  int left = 3;
  desk.streams.front().generate([&](SayReply& message) {
    message.set_payload("m");
    return left-- > 0;
  });
  stage.settle();
  EXPECT_EQ(sent().size(), 4u);
}

TEST_F(ConnectionTest, QueuesNoStreamMessageAboveTheHighMark) {
  start({.link = {.outbound_high_bytes = 1000, .outbound_low_bytes = 100}});
  receive(open_repeat(1, 1'000'000));
  wire->room = 0;
  std::size_t produced = 0;
  desk.streams.front().generate([&](SayReply& message) {
    message.set_payload(std::string(100, 'x'));
    return ++produced <= 1000;
  });
  stage.settle();
  EXPECT_LE(produced, 12u);
  make_room(std::numeric_limits<std::size_t>::max() / 2);
  EXPECT_EQ(sent().size(), 1001u);
}

TEST_F(ConnectionTest, DrawsNothingFromAStreamWhileItsSocketTakesNothing) {
  start();
  wire->room = 0;
  receive(open_say(1, "waits for room"));
  desk.said.front().reply(reply("x"));
  receive(open_repeat(3, 1'000'000));
  std::size_t produced = 0;
  desk.streams.front().generate([&](SayReply& message) {
    message.set_payload("x");
    return ++produced <= 1000;
  });
  stage.settle();
  EXPECT_LE(produced, 1u) << "but for a look at whether it has ended";
  make_room(std::numeric_limits<std::size_t>::max() / 2);
  EXPECT_EQ(sent().size(), 1002u);
}

TEST_F(ConnectionTest, LetsOthersHaveTheirTurnDuringALongStream) {
  start({.turn_messages_max = 10});
  receive(open_repeat(1, 1'000'000) + open_say(3, "beside it"));
  int left = 100;
  desk.streams.front().generate([&](SayReply& message) {
    message.set_payload("bulk");
    return left-- > 0;
  });
  desk.said.front().reply(reply("in between"));
  stage.settle();
  const auto frames = sent();
  ASSERT_EQ(frames.size(), 102u);
  const auto place = std::find_if(frames.begin(), frames.end(), [](const auto& each) { return each.call() == 3; });
  EXPECT_LE(place - frames.begin(), 10);
}

TEST_F(ConnectionTest, RefusesAStreamMessageAboveTheFrameLimit) {
  start({.link = {.frame_bytes_max = 1000}});
  receive(open_repeat(1, 10));
  desk.streams.front().generate([](SayReply& message) {
    message.set_payload(std::string(2000, 'x'));
    return true;
  });
  stage.settle();
  EXPECT_EQ(code_of(sent_one()), rpc::code::resource_exhausted);
}

// -- backpressure ---------------------------------------------------------------------------------------------------

TEST_F(ConnectionTest, StopsReadingWhileRequestsInFlightReachTheirLimit) {
  start({.link = {.frame_bytes_max = 4000}, .request_bytes_in_flight_max = 4000});
  receive(open_say(1, std::string(3000, 'x')));
  EXPECT_TRUE(has(armed_filter(), interest::in));
  receive(open_say(3, std::string(3000, 'x')));
  EXPECT_EQ(armed_filter(), interest::hangup);
  desk.said.front().reply(reply("done"));
  stage.settle();
  EXPECT_TRUE(has(armed_filter(), interest::in));
}

TEST_F(ConnectionTest, StopsReadingWhileRepliesAlonePassTwiceTheHighMark) {
  start({.link = {.outbound_high_bytes = 1000, .outbound_low_bytes = 100}});
  wire->room = 0;
  // Eight replies of some 300 bytes pass 2,000; the readiness that finds reading stopped takes IN out of the filter.
  std::uint64_t call = 1;
  for (; has(armed_filter(), interest::in); call += 2) {
    ASSERT_LT(call, 100u);
    receive(open_say(call, "x"));
    if (desk.said.empty()) continue;
    desk.said.front().reply(reply(std::string(300, 'x')));
    desk.said.clear();
    stage.settle();
  }
  EXPECT_EQ(call, 2 * 8u + 1);
  make_room(1 << 20);
  EXPECT_TRUE(has(armed_filter(), interest::in));
}

TEST_F(ConnectionTest, NoticesAResetWhileReadingIsStopped) {
  start({.link = {.frame_bytes_max = 1000}, .request_bytes_in_flight_max = 1000});
  receive(open_say(1, std::string(900, 'x')));
  receive(open_say(3, std::string(500, 'x')));
  ASSERT_EQ(armed_filter(), interest::hangup);
  wire->pending = std::make_error_code(std::errc::connection_reset);
  stage.port().fire(socket, event::hangup);
  stage.settle();
  EXPECT_EQ(broker.closed, std::vector{close_reason::reset});
}

TEST_F(ConnectionTest, LeavesHangupOutOfTheFilterOnceSeen) {
  start({.link = {.frame_bytes_max = 1000}, .request_bytes_in_flight_max = 1000});
  receive(open_say(1, std::string(900, 'x')) + open_say(3, std::string(500, 'x')));
  stage.port().fire(socket, event::hangup);
  stage.settle();
  EXPECT_EQ(armed_filter(), interest::none);
  EXPECT_TRUE(broker.closed.empty());
}

// Requests of a few bytes whose replies are some thousand, with a call after each that shows that it was decoded.
constexpr std::uint64_t describes_in_a_chunk = 50;

std::string describes_and(const std::function<std::string(std::uint64_t)>& call_behind) {
  std::string bytes;
  for (std::uint64_t i = 0; i < describes_in_a_chunk; ++i) {
    wire::append_open(bytes, 4 * i + 1, "switchboard.v1.Reflection/Describe", {}, true, 0, 0);
    bytes += call_behind(4 * i + 3);
  }
  return bytes;
}

/// Counts calls as they are decoded, which may be long before their service sees them.
class decoded_calls : public rpc::interceptor {
public:
  rpc::status opened(const rpc::call_context&) override {
    ++count;
    return {};
  }
  std::size_t count = 0;
};

TEST_F(ConnectionTest, StopsDecodingWhereRepliesAlonePassTwiceTheHighMark) {
  const auto decoded = std::make_shared<decoded_calls>();
  environment->interceptors.push_back(decoded);
  start({.link = {.outbound_high_bytes = 10'000, .outbound_low_bytes = 1000}});
  const auto description = environment->directory->description().size();
  ASSERT_LT(20'000 / description + 2, describes_in_a_chunk);
  wire->room = 0;
  receive(describes_and([](auto call) { return open_say(call, "x"); }));
  // The reply that passes the mark is the last one, and the call after it is not looked at.
  EXPECT_GT(decoded->count, 0u);
  EXPECT_LE(decoded->count, 20'000 / description);
  EXPECT_FALSE(has(armed_filter(), interest::in));
}

TEST_F(ConnectionTest, DecodesTheRestAsItsOutputIsTaken) {
  start({.link = {.outbound_high_bytes = 10'000, .outbound_low_bytes = 1000}});
  desk.at_once = "x";
  wire->room = 0;
  const auto bytes = describes_and([](auto call) { return open_say(call, "x"); });
  const auto last = open_say(4 * describes_in_a_chunk + 1, "the last, cut in the middle");
  receive(bytes + last.substr(0, 9));
  const auto description = environment->directory->description().size();
  // In steps below the low mark, so that decoding stops again and again.
  for (std::size_t i = 0; i <= describes_in_a_chunk * description / 900 && !has(armed_filter(), interest::in); ++i)
    make_room(900);
  ASSERT_TRUE(has(armed_filter(), interest::in));
  make_room(1 << 20);
  receive(last.substr(9));
  const auto frames = sent();
  ASSERT_EQ(frames.size(), 2 * describes_in_a_chunk + 1);
  std::set<std::uint64_t> answered;
  for (const auto& each : frames) answered.insert(each.call());
  EXPECT_EQ(answered.size(), frames.size());
  EXPECT_EQ(desk.payloads.back(), "the last, cut in the middle");
}

TEST_F(ConnectionTest, NoticesAResetWhileInputWaitsToBeDecoded) {
  start({.link = {.outbound_high_bytes = 1000, .outbound_low_bytes = 100}});
  wire->room = 0;
  receive(describes_and([](auto) { return std::string(); }));
  ASSERT_EQ(armed_filter(), interest::hangup | interest::out);
  wire->pending = std::make_error_code(std::errc::connection_reset);
  stage.port().fire(socket, event::hangup);
  stage.settle();
  EXPECT_EQ(broker.closed, std::vector{close_reason::reset});
}

TEST_F(ConnectionTest, EndsAClientThatHasClosedAndTakesNoneOfTheRepliesThatItsInputWaitsFor) {
  start({.link = {.outbound_high_bytes = 1000, .outbound_low_bytes = 100}});
  wire->room = 0;
  wire->input.push_back(describes_and([](auto) { return std::string(); }));
  receive_end();
  EXPECT_EQ(armed_filter(), interest::out);
  stage.advance(environment->limits.link.end_of_stream_flush + 1ms);
  EXPECT_EQ(broker.closed, std::vector{close_reason::slow_to_flush});
}

TEST_F(ConnectionTest, AnswersWhatWaitedToBeDecodedBeforeTheEndOfItsStream) {
  start({.link = {.outbound_high_bytes = 1000, .outbound_low_bytes = 100}});
  wire->room = 0;
  wire->input.push_back(describes_and([](auto) { return std::string(); }));
  receive_end();
  make_room(1 << 20);
  stage.port().fire(socket, event::in);
  stage.settle();
  EXPECT_EQ(sent().size(), describes_in_a_chunk);
  EXPECT_EQ(broker.closed, std::vector{close_reason::end_of_stream});
}

// -- refusals -------------------------------------------------------------------------------------------------------

TEST_F(ConnectionTest, RefusesAnUnknownMethodAndGoesOn) {
  start();
  std::string bytes;
  wire::append_open(bytes, 1, "no.Such/Method", {}, true, 0, 0);
  receive(bytes);
  EXPECT_EQ(code_of(sent_one()), rpc::code::unimplemented);
  receive(open_say(3, "next"));
  EXPECT_EQ(desk.said.size(), 1u);
}

TEST_F(ConnectionTest, RefusesARequestThatDoesNotParse) {
  start();
  std::string bytes;
  wire::append_open(bytes, 1, say, "\xFF\xFF\xFF", true, 0, 0);
  receive(bytes);
  EXPECT_EQ(code_of(sent_one()), rpc::code::invalid_argument);
  EXPECT_TRUE(desk.said.empty());
}

TEST_F(ConnectionTest, RefusesMoreOpenCallsThanItsLimit) {
  start({.open_calls_max = 2});
  receive(open_say(1, "a") + open_say(3, "b") + open_say(5, "c"));
  const auto refused = sent_one();
  EXPECT_EQ(refused.call(), 5u);
  EXPECT_EQ(code_of(refused), rpc::code::resource_exhausted);
}

TEST_F(ConnectionTest, DoesNotCountCallsItAnswersItself) {
  start({.open_calls_max = 1});
  receive(open_say(1, "a"));
  std::string bytes;
  wire::append_open(bytes, 3, "switchboard.v1.Session/Ping", {}, true, 0, 0);
  receive(bytes);
  const auto pong = sent_one();
  EXPECT_EQ(pong.call(), 3u);
  EXPECT_FALSE(pong.has_status());
}

TEST_F(ConnectionTest, RefusesAReplyAboveTheFrameLimit) {
  start({.link = {.frame_bytes_max = 1000}});
  receive(open_say(1, "a"));
  desk.said.front().reply(reply(std::string(2000, 'x')));
  stage.settle();
  EXPECT_EQ(code_of(sent_one()), rpc::code::resource_exhausted);
}

TEST_F(ConnectionTest, AnswersNotFoundForACallThatWasNeverOpened) {
  start();
  receive(credit(9, 1));
  const auto answer = sent_one();
  EXPECT_EQ(answer.call(), 9u);
  EXPECT_EQ(code_of(answer), rpc::code::not_found);
  receive(credit(2, 1));
  EXPECT_EQ(code_of(sent_one()), rpc::code::not_found);
}

TEST_F(ConnectionTest, NeverAnswersAFrameWithAStatus) {
  start();
  receive(status(9, rpc::code::cancelled));
  EXPECT_TRUE(sent().empty());
}

TEST_F(ConnectionTest, IgnoresFramesForCallsThatHaveEnded) {
  start();
  receive(open_say(5, "a"));
  desk.said.front().reply(reply("a"));
  stage.settle();
  sent();
  receive(credit(5, 1) + credit(3, 1) + status(5, rpc::code::cancelled));
  EXPECT_TRUE(sent().empty());
}

TEST_F(ConnectionTest, EndsACallWhoseClientSendsAMessageBeyondItsCredit) {
  start();
  receive(open_say(1, "a"));
  v1::Frame more;
  more.set_call(1);
  more.set_message("m");
  receive(frame(more));
  EXPECT_EQ(code_of(sent_one()), rpc::code::resource_exhausted);
}

TEST_F(ConnectionTest, UsesUpTheNumberOfAnOpeningFrameThatCarriesAStatus) {
  start();
  v1::Frame opened_and_ended;
  opened_and_ended.set_call(5);
  opened_and_ended.set_method(std::string(say));
  opened_and_ended.mutable_status()->set_code(1);
  receive(frame(opened_and_ended));
  EXPECT_TRUE(desk.said.empty());
  EXPECT_TRUE(sent().empty());
  receive(open_say(5, "again"));
  EXPECT_EQ(code_of(sent_one()), rpc::code::invalid_argument);
}

// -- the client ends calls ------------------------------------------------------------------------------------------

TEST_F(ConnectionTest, TellsTheWatcherOfACancelledCall) {
  start();
  std::vector<std::uint64_t> ended;
  receive(open_say(1, "a"));
  desk.said.front().watch(watcher(ended));
  stage.settle();
  receive(status(1, rpc::code::cancelled));
  EXPECT_EQ(ended, std::vector<std::uint64_t>{1});
  desk.said.front().reply(reply("too late"));
  stage.settle();
  EXPECT_TRUE(sent().empty());
}

TEST_F(ConnectionTest, TellsAWatcherThatComesAfterTheEnd) {
  start();
  std::vector<std::uint64_t> ended;
  receive(open_say(1, "a"));
  receive(status(1, rpc::code::cancelled));
  desk.said.front().watch(watcher(ended));
  stage.settle();
  EXPECT_EQ(ended, std::vector<std::uint64_t>{1});
}

TEST_F(ConnectionTest, TellsAWatcherBehindTheCallsThatWereSentBefore) {
  start();
  std::vector<std::string> heard;
  const auto room = room_behind_the_service(heard);
  receive(open_say(1, "watched"));
  desk.said.front().watch(room);
  stage.settle();
  receive(open_say(3, "sent before") + status(1, rpc::code::cancelled));
  EXPECT_EQ(heard, (std::vector<std::string>{"watched", "sent before", "the end"}));
}

TEST_F(ConnectionTest, TellsAWatcherThatComesAfterTheEndBehindTheCallsThatWereSentBefore) {
  start();
  std::vector<std::string> heard;
  const auto room = room_behind_the_service(heard);
  receive(open_say(1, "watched"));
  // Both wait in the connection's mailbox, so the watch finds the call ended and another just sent on.
  wire->input.push_back(open_say(3, "sent before") + status(1, rpc::code::cancelled));
  stage.port().fire(socket, event::in);
  stage.pump()->serve(notify::notification_port::duration::zero());
  desk.said.front().watch(room);
  stage.settle();
  EXPECT_EQ(heard, (std::vector<std::string>{"watched", "sent before", "the end"}));
}

TEST_F(ConnectionTest, TellsAWatcherThoughTheServiceIsGone) {
  start();
  std::vector<std::uint64_t> ended;
  receive(open_say(1, "watched"));
  desk.said.front().watch(watcher(ended));
  stage.settle();
  caf::anon_send_exit(environment->directory->routes().front().host(), caf::exit_reason::kill);
  stage.settle();
  receive(status(1, rpc::code::cancelled));
  EXPECT_EQ(ended, std::vector<std::uint64_t>{1});
}

TEST_F(ConnectionTest, TakesTheGreatestOddNumberForACall) {
  start();
  receive(open_say(std::numeric_limits<std::uint64_t>::max(), "the last one", 50));
  ASSERT_EQ(desk.said.size(), 1u);
  stage.advance(51ms);
  EXPECT_EQ(code_of(sent_one()), rpc::code::deadline_exceeded);
}

TEST_F(ConnectionTest, TellsAWatcherThatComesWhenTheConnectionIsGone) {
  start();
  std::vector<std::uint64_t> ended;
  receive(open_say(1, "a"));
  tell(close_connection{});
  desk.said.front().watch(watcher(ended));
  stage.settle();
  EXPECT_EQ(ended, std::vector<std::uint64_t>{1});
}

TEST_F(ConnectionTest, TellsAWatcherThatComesAfterTheEndWhyItEnded) {
  start();
  receive(open_say(1, "a", 10));
  stage.advance(11ms);
  auto why = rpc::code::ok;
  const auto late = stage.system().spawn(
      [](caf::event_based_actor*, rpc::code* into) -> caf::behavior {
        return {[into](const rpc::call_ended& ended) { *into = ended.why; }};
      },
      &why);
  desk.said.front().watch(caf::actor_cast<caf::strong_actor_ptr>(late));
  stage.settle();
  EXPECT_EQ(why, rpc::code::deadline_exceeded);
  caf::anon_send_exit(late, caf::exit_reason::user_shutdown);
}

TEST_F(ConnectionTest, DoesNotTellAServiceOfAFailureOfItsOwn) {
  start();
  std::size_t messages = 0;
  const auto failing = stage.system().spawn(
      [](caf::event_based_actor*, std::size_t* count) -> caf::behavior {
        return {[count](rpc::calls& calls) {
          ++*count;
          calls->take_each(
              [](const rpc::method&, rpc::incoming_call& call) { call.handle.fail(rpc::code::not_found, "no"); });
        }};
      },
      &messages);
  auto& route = environment->directory->routes().front();
  caf::anon_send_exit(route.host(), caf::exit_reason::user_shutdown);
  route.host(caf::actor_cast<caf::strong_actor_ptr>(failing));
  receive(open_say(1, "a"));
  EXPECT_EQ(code_of(sent_one()), rpc::code::not_found);
  EXPECT_EQ(messages, 1u);
}

TEST_F(ConnectionTest, TellsAStreamThatComesAfterTheEndThatNobodyReads) {
  start();
  receive(open_repeat(1, 10));
  receive(status(1, rpc::code::cancelled));
  auto& stream = desk.streams.front();
  stream.send(reply("begun after the end"));
  stage.settle();
  EXPECT_TRUE(stream.ended());
}

TEST_F(ConnectionTest, TellsAStreamThatComesWhenTheConnectionIsGoneThatNobodyReads) {
  start();
  receive(open_repeat(1, 10));
  tell(close_connection{});
  auto& stream = desk.streams.front();
  stream.send(reply("begun after the end"));
  stage.settle();
  EXPECT_TRUE(stream.ended());
}

TEST_F(ConnectionTest, PassesAnEndOnBehindCallsThatAreHeldBack) {
  start({.connection_memory_max = 27'000});
  std::vector<std::string> heard;
  const auto room = room_behind_the_service(heard);
  receive(open_say(1, "watched"));
  desk.said.front().watch(room);
  stage.settle();
  wire->room = 0;
  // Large enough to leave for the connection before their batch is through.
  desk.at_once = std::string(rpc::turn::frame_bytes_max, 'x');
  receive(open_say(3, "fills") + open_say(5, "the allowance") + open_say(7, "held back") +
          status(1, rpc::code::cancelled));
  ASSERT_EQ(heard, (std::vector<std::string>{"watched", "fills", "the allowance"}));
  make_room(1 << 20);
  EXPECT_EQ(heard, (std::vector<std::string>{"watched", "fills", "the allowance", "held back", "the end"}));
}

TEST_F(ConnectionTest, HasRoomForAnotherCallAsSoonAsOneIsCancelled) {
  start({.open_calls_max = 2});
  receive(open_say(1, "a") + open_say(3, "b") + status(1, rpc::code::cancelled) + open_say(5, "fits"));
  EXPECT_EQ(desk.said.size(), 3u);
  EXPECT_TRUE(sent().empty());
}

TEST_F(ConnectionTest, StopsReadingWhileServicesStillHaveTooManyCancelledCalls) {
  start({.open_calls_max = 2});
  receive(open_say(1, "a") + open_say(3, "b") + status(1, rpc::code::cancelled) + status(3, rpc::code::cancelled));
  stage.port().fire(socket, event::in);
  stage.settle();
  EXPECT_FALSE(has(armed_filter(), interest::in));
  desk.said.clear();
  stage.settle();
  EXPECT_TRUE(has(armed_filter(), interest::in));
  EXPECT_TRUE(sent().empty()) << "what a cancelled call came to is of no interest";
}

TEST_F(ConnectionTest, HasNoMoreCallsAnsweredThanItsClientTakes) {
  start({.connection_memory_max = 27'000});
  wire->room = 0;
  desk.at_once = std::string(600, 'x');
  std::string calls;
  for (std::uint64_t call = 1; call < 2000; call += 2) calls += open_say(call, "x");
  receive(calls);
  EXPECT_LE(desk.payloads.size(), 27'000u / 600);
  make_room(std::numeric_limits<std::size_t>::max() / 2);
  EXPECT_EQ(desk.payloads.size(), 1000u);
  EXPECT_EQ(sent().size(), 1000u);
}

TEST_F(ConnectionTest, PutsTheStatusOnCallZeroBehindAllThatIsQueued) {
  start();
  receive(open_repeat(1, 3));
  wire->room = 0;
  desk.streams.front().generate([](SayReply& message) {
    message.set_payload("queued");
    return true;
  });
  stage.settle();
  receive(std::string(10, '\xFF'));
  make_room(1 << 20);
  const auto frames = sent();
  ASSERT_EQ(frames.size(), 4u);
  EXPECT_EQ(frames.back().call(), 0u);
}

TEST_F(ConnectionTest, SendsACancelledStreamNothingAfterTheClientsEndOfStream) {
  start();
  receive(open_repeat(1, 100));
  wire->room = 10;
  desk.streams.front().generate([](SayReply& message) {
    message.set_payload("queued");
    return true;
  });
  stage.settle();
  receive_end();
  make_room(1 << 20);
  EXPECT_EQ(sent().size(), 1u) << "only the frame that had begun";
}

TEST_F(ConnectionTest, EndsAHalfClosedClientThatKeepsReadingStopped) {
  start({.link = {.outbound_high_bytes = 1000, .outbound_low_bytes = 100}});
  wire->room = 0;
  receive(open_say(1, "x"));
  desk.said.front().reply(reply(std::string(3000, 'x')));
  stage.settle();
  stage.port().fire(socket, event::in);
  stage.settle();
  ASSERT_FALSE(has(armed_filter(), interest::in));
  stage.port().fire(socket, event::hangup);
  stage.settle();
  stage.advance(environment->limits.link.end_of_stream_flush + 1ms);
  EXPECT_EQ(broker.closed, std::vector{close_reason::slow_to_flush});
}

TEST_F(ConnectionTest, DoesNotLetAHalfClosedClientHoldUpTheDrain) {
  start();
  receive(open_say(1, "x"));
  wire->room = 0;
  desk.said.front().reply(reply("not taken"));
  stage.settle();
  receive_end();
  tell(begin_drain{});
  tell(finish_drain{});
  stage.advance(environment->limits.link.flush_timeout + 1ms);
  EXPECT_EQ(broker.closed, std::vector{close_reason::slow_to_flush});
}

TEST_F(ConnectionTest, LetsADeadlinePass) {
  start();
  std::vector<std::uint64_t> ended;
  receive(open_say(1, "a", 50));
  desk.said.front().watch(watcher(ended));
  stage.settle();
  stage.advance(49ms);
  EXPECT_TRUE(sent().empty());
  stage.advance(2ms);
  EXPECT_EQ(code_of(sent_one()), rpc::code::deadline_exceeded);
  EXPECT_EQ(ended, std::vector<std::uint64_t>{1});
}

TEST_F(ConnectionTest, TakesADeadlineBackWithTheAnswer) {
  start({.peer_timeout = 0ms});
  receive(open_say(1, "a", 50));
  EXPECT_EQ(stage.pump()->deadlines(), 1u);
  desk.said.front().reply(reply("in time"));
  stage.settle();
  EXPECT_EQ(stage.pump()->deadlines(), 0u);
}

// -- how connections end --------------------------------------------------------------------------------------------

TEST_F(ConnectionTest, AnswersWhatItHasReceivedAfterTheClientsEndOfStream) {
  start();
  receive(open_say(1, "a"));
  receive_end();
  EXPECT_TRUE(broker.closed.empty());
  desk.said.front().reply(reply("still answered"));
  stage.settle();
  EXPECT_EQ(payload_of(sent_one()), "still answered");
  EXPECT_EQ(broker.closed, std::vector{close_reason::end_of_stream});
  EXPECT_TRUE(wire->closed);
}

TEST_F(ConnectionTest, CancelsStreamsSilentlyAtTheClientsEndOfStream) {
  start();
  std::vector<std::uint64_t> ended;
  receive(open_repeat(1, 5));
  desk.streams.front().watch(watcher(ended));
  stage.settle();
  receive_end();
  EXPECT_EQ(ended, std::vector<std::uint64_t>{1});
  EXPECT_TRUE(sent().empty());
  EXPECT_EQ(broker.closed, std::vector{close_reason::end_of_stream});
}

TEST_F(ConnectionTest, DropsAFrameThatTheEndOfStreamCutsOff) {
  start();
  receive(open_say(1, "whole") + open_say(3, "cut off").substr(0, 8));
  receive_end();
  EXPECT_EQ(desk.payloads, std::deque<std::string>{"whole"});
}

struct broken_input {
  const char* name;
  std::string bytes;
  rpc::code expected;
};

class ConnectionProtocolError : public ConnectionTest, public testing::WithParamInterface<broken_input> {};

TEST_P(ConnectionProtocolError, EndsTheConnectionWithAStatusOnCallZero) {
  start();
  receive(open_say(11, "before"));
  receive(GetParam().bytes);
  const auto last = sent_one();
  EXPECT_EQ(last.call(), 0u);
  EXPECT_EQ(code_of(last), GetParam().expected);
  EXPECT_FALSE(last.status().message().empty());
  EXPECT_TRUE(wire->write_shut);
  EXPECT_FALSE(wire->closed) << "a reset must not overtake the status";
  receive("whatever comes is discarded");
  receive_end();
  EXPECT_EQ(broker.closed, std::vector{close_reason::protocol_error});
  EXPECT_TRUE(wire->closed);
}

std::string opening(std::uint64_t call) {
  std::string bytes;
  wire::append_open(bytes, call, "switchboard.echo.v1.Echo/Say", {}, true, 0, 0);
  return bytes;
}

INSTANTIATE_TEST_SUITE_P(
    , ConnectionProtocolError,
    testing::Values(broken_input{"SizeAboveTheLimit", std::string("\x81\x80\x40", 3), rpc::code::resource_exhausted},
                    broken_input{"EndlessSize", std::string(10, '\xFF'), rpc::code::invalid_argument},
                    broken_input{"NotAFrame", std::string("\x02\x0F\x0F", 3), rpc::code::invalid_argument},
                    broken_input{"EvenNumber", opening(12), rpc::code::invalid_argument},
                    broken_input{"NumberUsedBefore", opening(11), rpc::code::invalid_argument},
                    broken_input{"NumberBelowOthers", opening(9), rpc::code::invalid_argument}),
    [](const auto& each) { return std::string(each.param.name); });

TEST_F(ConnectionTest, ClosesAfterAWhileWhenTheClientOfABrokenProtocolStays) {
  start();
  receive(std::string(10, '\xFF'));
  EXPECT_TRUE(broker.closed.empty());
  stage.advance(environment->limits.link.linger + 1ms);
  EXPECT_EQ(broker.closed, std::vector{close_reason::protocol_error});
}

TEST_F(ConnectionTest, EndsAClientThatDoesNotFinishAFrameInTime) {
  start();
  receive(open_say(1, "cut").substr(0, 5));
  stage.advance(environment->limits.link.frame_timeout);
  const auto last = sent_one();
  EXPECT_EQ(last.call(), 0u);
  EXPECT_EQ(code_of(last), rpc::code::deadline_exceeded);
  receive_end();
  EXPECT_EQ(broker.closed, std::vector{close_reason::frame_timeout});
}

TEST_F(ConnectionTest, NamesTheLimitThatRefuses) {
  start({.link = {.frame_bytes_max = 1'000}, .open_calls_max = 1});
  receive(open_say(1, "held") + open_say(3, "one more"));
  const auto refused = sent_one();
  EXPECT_EQ(code_of(refused), rpc::code::resource_exhausted);
  EXPECT_TRUE(refused.status().message().starts_with("open_calls_max: ")) << refused.status().message();
  receive(open_say(5, std::string(2'000, 'x')));
  const auto last = sent_one();
  EXPECT_EQ(code_of(last), rpc::code::resource_exhausted);
  EXPECT_TRUE(last.status().message().starts_with("frame_bytes_max: ")) << last.status().message();
}

TEST_F(ConnectionTest, EndsAClientWhoseSystemAnswersNothingToWhatWasSent) {
  start({.peer_timeout = 10s});
  receive(open_ping(1));
  wire->unanswered_for = 0ms;
  stage.advance(10s);
  EXPECT_TRUE(broker.closed.empty());
  wire->unanswered_for = 10s;
  stage.advance(10s);
  EXPECT_EQ(broker.closed, std::vector{close_reason::peer_lost});
  EXPECT_EQ(environment->figures->read().value("switchboard_limit_hits_total", {"peer_timeout"}), 1);
}

TEST_F(ConnectionTest, KeepsAClientThatIsAliveAndTakesNothingForHours) {
  start({.peer_timeout = 10s});
  wire->room = 0;
  receive(open_ping(1));
  wire->unanswered_for = 0ms;
  for (int minute = 0; minute < 300; ++minute) stage.advance(60s);
  EXPECT_TRUE(broker.closed.empty());
}

TEST_F(ConnectionTest, WatchesNoClientThatHasAcknowledgedEverything) {
  start({.peer_timeout = 10s});
  const auto before = stage.pump()->deadlines();
  receive(open_ping(1));
  EXPECT_EQ(stage.pump()->deadlines(), before + 1);
  stage.advance(10s);
  EXPECT_EQ(stage.pump()->deadlines(), before);
  receive(open_ping(3));
  EXPECT_EQ(stage.pump()->deadlines(), before + 1) << "again, since something was sent";
}

TEST_F(ConnectionTest, PingsASilentClientAndEndsItWhenThatIsNotAnswered) {
  start({.idle_timeout = 10s});
  stage.advance(10s);
  const auto ping = sent_one();
  EXPECT_EQ(ping.call(), 2u);
  stage.advance(10s);
  const auto last = sent_one();
  EXPECT_EQ(last.call(), 0u);
  EXPECT_EQ(code_of(last), rpc::code::unavailable);
  receive_end();
  EXPECT_EQ(broker.closed, std::vector{close_reason::idle});
}

TEST_F(ConnectionTest, KeepsASilentClientThatAnswersAPingInAnyWay) {
  start({.idle_timeout = 10s});
  std::string answer;
  wire::append_message(answer, 2, {}, true);
  const std::vector<std::string> answers = {answer, status(4, rpc::code::unimplemented), std::string(1, '\0')};
  for (const auto& each : answers) {
    stage.advance(10s);
    EXPECT_EQ(sent().size(), 1u) << "a ping";
    receive(each);
    EXPECT_TRUE(sent().empty()) << "what answers a ping is not answered";
    stage.advance(10s);
  }
  EXPECT_FALSE(wire->write_shut);
}

TEST_F(ConnectionTest, PingsNoClientThatSaysSomething) {
  start({.idle_timeout = 10s});
  for (int i = 0; i < 3; ++i) {
    receive(std::string(1, '\0'));
    stage.advance(10s);
  }
  EXPECT_TRUE(sent().empty());
}

TEST_F(ConnectionTest, EndsAClientThatDoesNotAuthenticateInTime) {
  environment->authenticate = [](std::string_view, const std::string&) -> rpc::result<std::string> {
    return rpc::status{rpc::code::unauthenticated, "no"};
  };
  start();
  stage.advance(environment->limits.authentication_timeout);
  const auto last = sent_one();
  EXPECT_EQ(last.call(), 0u);
  EXPECT_EQ(code_of(last), rpc::code::unauthenticated);
  receive_end();
  EXPECT_EQ(broker.closed, std::vector{close_reason::authentication_timeout});
}

TEST_F(ConnectionTest, LetsAClientStayThatHasAuthenticated) {
  environment->authenticate = [](std::string_view, const std::string&) -> rpc::result<std::string> {
    return std::string{"someone"};
  };
  start();
  std::string authenticate;
  wire::append_open(authenticate, 1, "switchboard.v1.Session/Authenticate", {}, true, 0, 0);
  receive(authenticate);
  stage.advance(environment->limits.authentication_timeout);
  EXPECT_EQ(code_of(sent_one()), rpc::code::ok);
  EXPECT_FALSE(wire->write_shut);
}

TEST_F(ConnectionTest, GivesUpOnAClientThatDoesNotTakeItsLastFrames) {
  start();
  wire->room = 0;
  receive(std::string(10, '\xFF'));
  stage.advance(environment->limits.link.flush_timeout + 1ms);
  EXPECT_EQ(broker.closed, std::vector{close_reason::slow_to_flush});
}

TEST_F(ConnectionTest, EndsWhenTheClientSaysSoOnCallZero) {
  start();
  receive(open_say(1, "a"));
  receive(status(0, rpc::code::ok));
  receive_end();
  EXPECT_EQ(broker.closed, std::vector{close_reason::ended_by_peer});
}

TEST_F(ConnectionTest, ClosesOnAReset) {
  start();
  std::vector<std::uint64_t> ended;
  receive(open_say(1, "a"));
  desk.said.front().watch(watcher(ended));
  stage.settle();
  wire->pending = std::make_error_code(std::errc::connection_reset);
  stage.port().fire(socket, event::err);
  stage.settle();
  EXPECT_EQ(broker.closed, std::vector{close_reason::reset});
  EXPECT_EQ(ended, std::vector<std::uint64_t>{1});
}

TEST_F(ConnectionTest, ClosesWhenAWriteFails) {
  start();
  receive(open_say(1, "a"));
  wire->write_error = std::make_error_code(std::errc::broken_pipe);
  desk.said.front().reply(reply("nobody reads this"));
  stage.settle();
  EXPECT_EQ(broker.closed, std::vector{close_reason::reset});
}

TEST_F(ConnectionTest, ClosesTheSocketOnlyAfterItsRegistrationHasEnded) {
  start();
  ASSERT_NE(stage.port().find(socket), nullptr);
  tell(close_connection{});
  EXPECT_EQ(stage.port().find(socket), nullptr);
  EXPECT_TRUE(wire->closed);
  EXPECT_EQ(broker.closed, std::vector{close_reason::stopped});
}

// -- draining -------------------------------------------------------------------------------------------------------

TEST_F(ConnectionTest, EndsStreamsAndRefusesCallsWhileTheServerDrains) {
  start();
  receive(open_repeat(1, 5) + open_say(3, "received before"));
  tell(begin_drain{});
  auto frames = sent();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].call(), 1u);
  EXPECT_EQ(code_of(frames[0]), rpc::code::unavailable);
  receive(open_say(5, "after"));
  EXPECT_EQ(code_of(sent_one()), rpc::code::unavailable);
  EXPECT_EQ(broker.drained, 0u);
  desk.said.front().reply(reply("answered all the same"));
  stage.settle();
  EXPECT_EQ(payload_of(sent_one()), "answered all the same");
  EXPECT_EQ(broker.drained, 1u);
}

TEST_F(ConnectionTest, AnswersHealthAndPingWhileTheServerDrains) {
  start();
  tell(begin_drain{});
  std::string bytes;
  wire::append_open(bytes, 1, "switchboard.v1.Health/Check", {}, true, 0, 0);
  wire::append_open(bytes, 3, "switchboard.v1.Session/Ping", {}, true, 0, 0);
  receive(bytes);
  const auto frames = sent();
  ASSERT_EQ(frames.size(), 2u);
  v1::HealthReply health;
  ASSERT_TRUE(health.ParseFromString(frames[0].message()));
  EXPECT_EQ(health.serving(), v1::HealthReply::NOT_SERVING);
  EXPECT_FALSE(frames[1].has_status());
}

TEST_F(ConnectionTest, ShutsDownWithoutAWordOnCallZeroWhenTheDrainIsOver) {
  start();
  receive(open_say(1, "never answered"));
  tell(begin_drain{});
  tell(finish_drain{});
  const auto last = sent_one();
  EXPECT_EQ(last.call(), 1u);
  EXPECT_EQ(code_of(last), rpc::code::unavailable);
  EXPECT_TRUE(wire->write_shut);
  EXPECT_TRUE(broker.closed.empty());
  receive_end();
  EXPECT_EQ(broker.closed, std::vector{close_reason::drained});
}

TEST_F(ConnectionTest, ClosesADrainedConnectionWhetherOrNotTheClientHangsUp) {
  start();
  tell(begin_drain{});
  tell(finish_drain{});
  stage.advance(environment->limits.link.flush_timeout + 1ms);
  EXPECT_EQ(broker.closed, std::vector{close_reason::drained});
}

// -- services -------------------------------------------------------------------------------------------------------

TEST_F(ConnectionTest, SendsTheCallsOfOneReadAsOneBatchInOrder) {
  start();
  receive(open_say(1, "a") + open_say(3, "b") + open_say(5, "c"));
  EXPECT_EQ(desk.payloads, (std::deque<std::string>{"a", "b", "c"}));
}

TEST_F(ConnectionTest, AnswersUnavailableWhenTheServiceIsGone) {
  start();
  auto& route = environment->directory->routes().front();
  caf::anon_send_exit(route.host(), caf::exit_reason::kill);
  stage.settle();
  receive(open_say(1, "a"));
  EXPECT_EQ(code_of(sent_one()), rpc::code::unavailable);
  route.host(nullptr);
  receive(open_say(3, "b"));
  EXPECT_EQ(code_of(sent_one()), rpc::code::unavailable);
}

TEST_F(ConnectionTest, AnswersInternalWhenTheServiceLetsGoOfACall) {
  start();
  receive(open_say(1, "a"));
  desk.said.clear();
  stage.settle();
  EXPECT_EQ(code_of(sent_one()), rpc::code::internal);
}

}  // namespace
}  // namespace switchboard::actors
