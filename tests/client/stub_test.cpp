#include "connection.hpp"
#include "numbers_service.hpp"

#include <switchboard/client/stub.hpp>
#include <switchboard/testkit/expectations.hpp>
#include <switchboard/testkit/live_server.hpp>
#include <switchboard/v1/frame.pb.h>

namespace switchboard::client {
namespace {

using rpc::code;
using testkit::has_code;
using testkit::is_ok;

class Stub : public testing::Test {
protected:
  channel connect_to_numbers() {
    server_.add(serve_numbers());
    return server_.connect();
  }

  testkit::live_server server_;
  channel client_ = connect_to_numbers();
};

TEST_F(Stub, CallsAUnaryMethod) {
  const auto reply = call<Numbers::square>(client_, number(7), patience()).get();
  ASSERT_TRUE(is_ok(reply.status()));
  EXPECT_EQ(reply->value(), 49);
}

TEST_F(Stub, GivesTheStatusOfACallThatFails) {
  const auto reply = call<Numbers::square>(client_, number(-1), within(20ms)).get();
  EXPECT_FALSE(reply);
  EXPECT_TRUE(has_code(reply.status(), code::deadline_exceeded));
}

TEST_F(Stub, ReadsAStreamAsARange) {
  auto replies = read<Numbers::count>(client_, number(1'000), {.window = 7});
  std::int64_t expected = 0;
  for (const auto& each : replies.until(patience())) ASSERT_EQ(each.value(), ++expected);
  EXPECT_EQ(expected, 1'000);
  EXPECT_TRUE(is_ok(replies.status()));
  Number none;
  EXPECT_TRUE(replies.next(none, no_wait).ended());
}

TEST_F(Stub, EndsARangeAtItsDeadlineAndLeavesTheStream) {
  auto totals = exchange_of<Numbers::totals>(client_);
  for (const auto& each : totals.within(20ms)) ADD_FAILURE() << each.value();
  EXPECT_TRUE(has_code(totals.status(), code::deadline_exceeded));
  ASSERT_TRUE(is_ok(totals.send(number(3), patience())));
  Number reply;
  ASSERT_TRUE(totals.next(reply, patience()).has_message());
  EXPECT_EQ(reply.value(), 3);
}

TEST_F(Stub, WritesAStreamAndGetsItsReply) {
  auto numbers = write<Numbers::sum>(client_);
  for (int i = 1; i <= 1'000; ++i) ASSERT_TRUE(is_ok(numbers.send(number(i), patience()))) << i;
  const auto total = numbers.finish(patience());
  ASSERT_TRUE(is_ok(total.status()));
  EXPECT_EQ(total->value(), 500'500);
}

TEST_F(Stub, WritesAnEmptyStream) {
  const auto total = write<Numbers::sum>(client_).finish(patience());
  ASSERT_TRUE(is_ok(total.status()));
  EXPECT_EQ(total->value(), 0);
}

TEST_F(Stub, StreamsBothWaysAtOnce) {
  auto totals = exchange_of<Numbers::totals>(client_, {.window = 2});
  std::int64_t total = 0;
  for (int i = 1; i <= 100; ++i) {
    ASSERT_TRUE(is_ok(totals.send(number(i), patience())));
    Number reply;
    ASSERT_TRUE(totals.next(reply, patience()).has_message());
    EXPECT_EQ(reply.value(), total += i);
  }
  totals.finish();
  for (const auto& each : totals.until(patience())) ADD_FAILURE() << each.value();
  EXPECT_TRUE(is_ok(totals.status()));
}

TEST_F(Stub, ReadsWhatComesAfterItHasFinished) {
  auto totals = exchange_of<Numbers::totals>(client_);
  for (int i = 1; i <= 3; ++i) ASSERT_TRUE(is_ok(totals.send(number(i), patience())));
  totals.finish();
  std::vector<std::int64_t> got;
  for (const auto& each : totals.until(patience())) got.push_back(each.value());
  EXPECT_EQ(got, (std::vector<std::int64_t>{1, 3, 6}));
}

TEST_F(Stub, EndsAStreamAtTheCallsDeadline) {
  auto totals = exchange_of<Numbers::totals>(client_, {.until = within(30ms)});
  for (const auto& each : totals.until(patience())) ADD_FAILURE() << each.value();
  EXPECT_TRUE(has_code(totals.status(), code::deadline_exceeded));
  EXPECT_TRUE(has_code(totals.send(number(1), patience()), code::deadline_exceeded));
}

TEST_F(Stub, TellsACancelledStreamsEnd) {
  auto replies = read<Numbers::count>(client_, number(1'000'000), {.window = 1});
  Number reply;
  ASSERT_TRUE(replies.next(reply, patience()).has_message());
  replies.cancel();
  for (const auto& each : replies.until(patience())) ADD_FAILURE() << each.value();
  EXPECT_TRUE(has_code(replies.status(), code::cancelled));
}

/// The server's side is played by hand: what leaves the client, frame by frame.
class StubFrames : public testing::Test {
protected:
  v1::Frame take() { return take_frame(server_); }
  /// What `fill` makes of a frame of the client's first call.
  template <class Fill>
  void give(Fill fill) {
    v1::Frame frame;
    frame.set_call(1);
    fill(frame);
    ASSERT_EQ(server_.send(frame, patience()), std::error_code());
  }

  std::unique_ptr<net::listener> listener_ = listen_on_loopback();
  channel client_ = channel_to(*listener_);
  frame_channel server_ = accept_from(*listener_);
  Number reply_;
};

TEST_F(StubFrames, OpensAStreamOfRequestsWithoutAMessage) {
  const auto numbers = write<Numbers::sum>(client_, {.until = within(1h)});
  const auto opening = take();
  EXPECT_EQ(opening.method(), Numbers::sum::name);
  EXPECT_FALSE(opening.has_message());
  EXPECT_FALSE(opening.end());
  EXPECT_EQ(opening.credit(), 0u);
  EXPECT_GT(opening.timeout_ms(), 3'500'000u);
}

TEST_F(StubFrames, GrantsAgainByHalfWindows) {
  auto replies = read<Numbers::count>(client_, number(9), {.window = 4});
  const auto opening = take();
  EXPECT_EQ(opening.credit(), 4u);
  EXPECT_TRUE(opening.end());
  const auto read_one = [&] {
    give([](v1::Frame& frame) { frame.set_message(number(1).SerializeAsString()); });
    EXPECT_TRUE(replies.next(reply_, patience()).has_message());
  };
  read_one();
  v1::Frame none;
  EXPECT_EQ(server_.receive(none, no_wait), errc::timed_out);
  read_one();
  EXPECT_EQ(take().credit(), 2u);
}

TEST_F(StubFrames, KeepsAWindowOfAtLeastOne) {
  auto replies = read<Numbers::count>(client_, number(9), {.window = 0});
  EXPECT_EQ(take().credit(), 1u);
  give([](v1::Frame& frame) { frame.set_message(number(1).SerializeAsString()); });
  EXPECT_TRUE(replies.next(reply_, patience()).has_message());
  EXPECT_EQ(take().credit(), 1u);
}

TEST_F(StubFrames, WaitsForCreditBeforeItSends) {
  auto numbers = write<Numbers::sum>(client_);
  (void)take();
  EXPECT_TRUE(has_code(numbers.send(number(1), within(20ms)), code::deadline_exceeded));
  give([](v1::Frame& frame) { frame.set_credit(1); });
  EXPECT_TRUE(is_ok(numbers.send(number(1), patience())));
  EXPECT_EQ(take().message(), number(1).SerializeAsString());
  EXPECT_TRUE(has_code(numbers.send(number(2), within(20ms)), code::deadline_exceeded));
}

TEST_F(StubFrames, TakesAReplyThatDidNotWaitForTheEndOfTheRequests) {
  {
    auto numbers = write<Numbers::sum>(client_);
    (void)take();
    give([](v1::Frame& frame) {
      frame.set_message(number(5).SerializeAsString());
      frame.set_end(true);
    });
    EXPECT_TRUE(has_code(numbers.send(number(1), patience()), code::cancelled));
    const auto reply = numbers.finish(patience());
    ASSERT_TRUE(is_ok(reply.status()));
    EXPECT_EQ(reply->value(), 5);
  }
  // The call ends when both sides have ended, and only the server had.
  const auto last = take();
  EXPECT_TRUE(last.end());
  EXPECT_FALSE(last.has_status());
  EXPECT_EQ(client_.open_calls(), 0u);
}

TEST_F(StubFrames, TakesAReplyThatAStatusFollowsForAFailure) {
  auto numbers = write<Numbers::sum>(client_);
  (void)take();
  give([](v1::Frame& frame) {
    frame.set_message(number(5).SerializeAsString());
    frame.mutable_status()->set_code(static_cast<int>(code::aborted));
  });
  EXPECT_TRUE(has_code(numbers.finish(patience()).status(), code::aborted));
}

TEST_F(StubFrames, CancelsAStreamOfRequestsThatIsDropped) {
  { const auto dropped = write<Numbers::sum>(client_); }
  (void)take();
  EXPECT_EQ(take().status().code(), static_cast<int>(code::cancelled));
}

TEST_F(StubFrames, EndsEveryKindOfCallWhenTheConnectionBreaks) {
  auto replies = read<Numbers::count>(client_, number(9));
  auto numbers = write<Numbers::sum>(client_);
  auto totals = exchange_of<Numbers::totals>(client_);
  { const frame_channel gone = std::move(server_); }
  EXPECT_TRUE(testkit::ended_with(replies.next(reply_, patience()), code::unavailable));
  EXPECT_TRUE(has_code(numbers.send(number(1), patience()), code::unavailable));
  EXPECT_TRUE(has_code(numbers.finish(patience()).status(), code::unavailable));
  EXPECT_TRUE(testkit::ended_with(totals.next(reply_, patience()), code::unavailable));
  EXPECT_TRUE(has_code(call<Numbers::square>(client_, number(1), patience()).get().status(), code::unavailable));
}

// -- handlers -------------------------------------------------------------------------------------------------------

TEST_F(Stub, GivesAReplyToItsHandler) {
  std::optional<rpc::result<Number>> got;
  auto pending = call<Numbers::square>(client_, number(7), patience());
  pending.then([&](rpc::result<Number> reply) { got = std::move(reply); });
  EXPECT_FALSE(got) << "a handler is called while the channel is driven, and only then";
  ASSERT_EQ(client_.drive_until([&] { return got.has_value(); }, patience()), drive_outcome::done);
  ASSERT_TRUE(is_ok(got->status()));
  EXPECT_EQ((*got)->value(), 49);
}

TEST_F(Stub, GivesAStreamToItsHandlersAndThenItsEnd) {
  std::vector<std::int64_t> got;
  std::optional<rpc::status> end;
  auto replies = read<Numbers::count>(client_, number(100), {.window = 7});
  replies.receive([&](Number& each) { got.push_back(each.value()); }, [&](const rpc::status& how) { end = how; });
  ASSERT_EQ(client_.drive_until([&] { return end.has_value(); }, patience()), drive_outcome::done);
  EXPECT_TRUE(is_ok(*end));
  EXPECT_EQ(got.size(), 100u);
  EXPECT_EQ(got.back(), 100);
}

TEST_F(Stub, GivesAHandlerWhatCameBeforeItWasSet) {
  auto pending = call<Numbers::square>(client_, number(7), patience());
  ASSERT_EQ(client_.drive_until([&] { return pending.ready(); }, patience()), drive_outcome::done);
  bool called = false;
  pending.then([&](const rpc::result<Number>& reply) { called = reply.ok(); });
  ASSERT_EQ(client_.drive_until([&] { return called; }, patience()), drive_outcome::done);
}

TEST_F(Stub, LetsAHandlerDropItsOwnCallAndMakeOthers) {
  bool again = false;
  auto replies = read<Numbers::count>(client_, number(1'000'000));
  pending_reply<Number> pending;
  replies.receive(
      [&](Number&) {
        replies = {};
        pending = call<Numbers::square>(client_, number(3), patience());
        pending.then([&](const rpc::result<Number>& reply) { again = reply.ok(); });
      },
      [](const rpc::status&) { ADD_FAILURE() << "a call that was let go has no end"; });
  ASSERT_EQ(client_.drive_until([&] { return again; }, patience()), drive_outcome::done);
}

TEST_F(Stub, TellsAHandlerOnceThatItsCallIsCancelled) {
  std::vector<rpc::status> ends;
  auto replies = read<Numbers::count>(client_, number(1'000'000));
  replies.receive([&](Number&) { replies.cancel(); }, [&](const rpc::status& how) { ends.push_back(how); });
  ASSERT_EQ(client_.drive_until([&] { return !ends.empty(); }, patience()), drive_outcome::done);
  EXPECT_TRUE(call<Numbers::square>(client_, number(3), patience()).get());
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_TRUE(has_code(ends[0], code::cancelled));
}

TEST_F(StubFrames, TakesAReplyThatAStatusFollowsForAFailureInAHandlerToo) {
  std::optional<rpc::result<Number>> got;
  auto pending = call<Numbers::square>(client_, number(3), patience());
  pending.then([&](rpc::result<Number> reply) { got = std::move(reply); });
  give([](v1::Frame& frame) { frame.set_message(number(5).SerializeAsString()); });
  give([](v1::Frame& frame) { frame.mutable_status()->set_code(static_cast<int>(code::aborted)); });
  ASSERT_EQ(client_.drive_until([&] { return got.has_value(); }, patience()), drive_outcome::done);
  EXPECT_TRUE(has_code(got->status(), code::aborted));
}

TEST_F(StubFrames, HoldsAMessageBackWhileTheOutputLimitIsReached) {
  channel narrow = channel_to(*listener_, {.limits = {.output_bytes_max = 64 * 1024}});
  frame_channel idle = accept_from(*listener_);
  auto stream = narrow.open({"a.B/Collect", rpc::method_kind::client_streaming});
  v1::Frame credit;
  credit.set_call(1);
  credit.set_credit(1'000'000);
  ASSERT_EQ(idle.send(credit, patience()), std::error_code());
  v1::Status big;
  big.set_message(std::string(16 * 1024, 'x'));
  rpc::status how;
  int sent = 0;
  while ((how = stream.send(big, within(20ms))).ok()) ++sent;
  EXPECT_TRUE(has_code(how, code::deadline_exceeded));
  v1::Frame frame;
  for (int i = 0; i <= sent; ++i) {
    (void)narrow.flush(no_wait);
    ASSERT_EQ(idle.receive(frame, patience()), std::error_code()) << i;
  }
  EXPECT_TRUE(is_ok(stream.send(big, patience())));
}

}  // namespace
}  // namespace switchboard::client
