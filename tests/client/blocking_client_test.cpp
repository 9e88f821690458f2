#include "connection.hpp"

#include <thread>

#include <switchboard/client/blocking_client.hpp>
#include <switchboard/echo/v1/echo.pb.h>
#include <switchboard/v1/frame.pb.h>

namespace switchboard::client {
namespace {

using rpc::code;

constexpr std::string_view say = "switchboard.echo.v1.Echo/Say";
constexpr std::string_view repeat = "switchboard.echo.v1.Echo/Repeat";

echo::v1::SayRequest request(std::string payload) {
  echo::v1::SayRequest made;
  made.set_payload(std::move(payload));
  return made;
}

std::string reply(std::string payload) {
  echo::v1::SayReply made;
  made.set_payload(std::move(payload));
  return made.SerializeAsString();
}

class BlockingClient : public testing::Test {
protected:
  v1::Frame take() { return take_frame(server_); }
  void answer(std::uint64_t call, std::string payload, bool end) {
    v1::Frame frame;
    frame.set_call(call);
    frame.set_message(reply(std::move(payload)));
    frame.set_end(end);
    ASSERT_EQ(server_.send(frame, patience()), std::error_code());
  }
  void end_with(std::uint64_t call, code how, std::string text) {
    v1::Frame frame;
    frame.set_call(call);
    frame.mutable_status()->set_code(static_cast<int>(how));
    frame.mutable_status()->set_message(std::move(text));
    ASSERT_EQ(server_.send(frame, patience()), std::error_code());
  }

  std::unique_ptr<net::listener> listener_ = listen_on_loopback();
  blocking_client client_{connect_to(*listener_)};
  frame_channel server_ = accept_from(*listener_);
  echo::v1::SayReply reply_;
};

TEST_F(BlockingClient, SendsAUnaryCallAsOneFrame) {
  const auto opened = client_.open(say, request("hello"), {.timeout_ms = 250, .end = true});
  const auto frame = take();
  EXPECT_EQ(frame.call(), 1u);
  EXPECT_EQ(frame.method(), say);
  EXPECT_EQ(frame.message(), request("hello").SerializeAsString());
  EXPECT_TRUE(frame.end());
  EXPECT_EQ(frame.timeout_ms(), 250u);
}

TEST_F(BlockingClient, ReturnsTheReply) {
  std::thread server([&] { answer(take().call(), "hello", true); });
  const auto status = client_.call(say, request("hello"), reply_, patience());
  server.join();
  EXPECT_TRUE(status.ok()) << status.message;
  EXPECT_EQ(reply_.payload(), "hello");
  EXPECT_EQ(client_.open_calls(), 0u);
}

TEST_F(BlockingClient, ReturnsTheServersStatus) {
  std::thread server([&] { end_with(take().call(), code::not_found, "no such thing"); });
  const auto status = client_.call(say, request(""), reply_, patience());
  server.join();
  EXPECT_EQ(status, (rpc::status{code::not_found, "no such thing"}));
}

TEST_F(BlockingClient, TellsTheServerItsDeadline) {
  EXPECT_EQ(client_.call(say, request(""), reply_, within(40ms)).code, code::deadline_exceeded);
  const auto opening = take();
  EXPECT_GE(opening.timeout_ms(), 1u);
  EXPECT_LE(opening.timeout_ms(), 40u);
}

TEST_F(BlockingClient, CancelsACallWhoseDeadlinePassed) {
  EXPECT_EQ(client_.call(say, request(""), reply_, within(20ms)).code, code::deadline_exceeded);
  const auto opening = take();
  const auto cancel = take();
  EXPECT_EQ(cancel.call(), opening.call());
  EXPECT_EQ(cancel.status().code(), static_cast<int>(code::cancelled));
  EXPECT_EQ(client_.open_calls(), 0u);
}

TEST_F(BlockingClient, IgnoresAnAnswerThatComesAfterTheDeadline) {
  EXPECT_EQ(client_.call(say, request(""), reply_, within(20ms)).code, code::deadline_exceeded);
  answer(take().call(), "late", true);
  (void)take();
  std::thread server([&] { answer(take().call(), "in time", true); });
  EXPECT_TRUE(client_.call(say, request(""), reply_, patience()).ok());
  server.join();
  EXPECT_EQ(reply_.payload(), "in time");
}

TEST_F(BlockingClient, NumbersCallsOddAndRising) {
  const auto first = client_.open(say, request(""));
  const auto second = client_.open(say, request(""));
  EXPECT_EQ(take().call(), 1u);
  EXPECT_EQ(take().call(), 3u);
}

TEST_F(BlockingClient, KeepsAnswersOfOtherCallsForThem) {
  auto first = client_.open(say, request("1"), {.end = true});
  auto second = client_.open(say, request("2"), {.end = true});
  answer(second.call(), "two", true);
  answer(first.call(), "one", true);
  ASSERT_TRUE(first.next(reply_, patience()).has_message());
  EXPECT_EQ(reply_.payload(), "one");
  ASSERT_TRUE(second.next(reply_, patience()).has_message());
  EXPECT_EQ(reply_.payload(), "two");
}

TEST_F(BlockingClient, StreamsMessagesThenTheEnd) {
  auto opened = client_.open(repeat, request("x"), {.credit = 2, .end = true});
  EXPECT_EQ(take().credit(), 2u);
  answer(opened.call(), "a", false);
  answer(opened.call(), "b", true);
  ASSERT_TRUE(opened.next(reply_, patience()).has_message());
  EXPECT_EQ(reply_.payload(), "a");
  ASSERT_TRUE(opened.next(reply_, patience()).has_message());
  EXPECT_EQ(reply_.payload(), "b");
  const auto last = opened.next(reply_, patience());
  ASSERT_TRUE(last.ended());
  EXPECT_TRUE(last.status.ok());
  EXPECT_TRUE(opened.next(reply_, patience()).ended());
}

TEST_F(BlockingClient, TellsAStreamsStatusBehindItsMessages) {
  auto opened = client_.open(repeat, request("x"), {.credit = 2, .end = true});
  answer(opened.call(), "a", false);
  end_with(opened.call(), code::aborted, "taken over");
  EXPECT_TRUE(opened.next(reply_, patience()).has_message());
  EXPECT_EQ(opened.next(reply_, patience()).status.code, code::aborted);
}

TEST_F(BlockingClient, AStreamOutlivesADeadline) {
  auto opened = client_.open(repeat, request("x"), {.credit = 1, .end = true});
  EXPECT_TRUE(opened.next(reply_, within(20ms)).timed_out());
  answer(opened.call(), "a", false);
  EXPECT_TRUE(opened.next(reply_, patience()).has_message());
}

TEST_F(BlockingClient, TakesInWithoutWaitingForALoopOfItsCallers) {
  auto first = client_.open(say, request("1"), {.end = true});
  auto second = client_.open(say, request("2"), {.end = true});
  EXPECT_EQ(client_.take_in(), std::error_code());
  EXPECT_FALSE(first.ready());
  answer(second.call(), "two", true);
  answer(first.call(), "one", true);
  for (const auto until = patience(); !first.ready() && clock::now() < until;) {
    (void)client_.channel().wait(notify::interest::in, until);
    ASSERT_EQ(client_.take_in(), std::error_code());
  }
  EXPECT_TRUE(first.ready());
  EXPECT_TRUE(second.ready());
  EXPECT_TRUE(second.next(reply_, no_wait).has_message());
}

TEST_F(BlockingClient, GrantsCredit) {
  auto opened = client_.open(repeat, request("x"), {.credit = 1, .end = true});
  (void)take();
  opened.grant(5);
  const auto frame = take();
  EXPECT_EQ(frame.call(), opened.call());
  EXPECT_EQ(frame.credit(), 5u);
}

TEST_F(BlockingClient, CancelsAStream) {
  auto opened = client_.open(repeat, request("x"), {.credit = 1, .end = true});
  (void)take();
  opened.cancel();
  EXPECT_EQ(take().status().code(), static_cast<int>(code::cancelled));
  EXPECT_EQ(opened.next(reply_, patience()).status.code, code::cancelled);
}

TEST_F(BlockingClient, CancelsAStreamThatIsDropped) {
  { const auto dropped = client_.open(repeat, request("x"), {.credit = 1, .end = true}); }
  (void)take();
  EXPECT_EQ(take().status().code(), static_cast<int>(code::cancelled));
  EXPECT_EQ(client_.open_calls(), 0u);
}

TEST_F(BlockingClient, DoesNotCancelWhatHasEnded) {
  {
    auto opened = client_.open(say, request("x"), {.end = true});
    answer(take().call(), "x", true);
    EXPECT_TRUE(opened.next(reply_, patience()).has_message());
  }
  v1::Frame frame;
  EXPECT_EQ(server_.receive(frame, within(20ms)), errc::timed_out);
}

TEST_F(BlockingClient, SendsOnlyWithCredit) {
  auto opened = client_.open("a.B/Collect", request("1"));
  (void)take();
  EXPECT_EQ(opened.send(request("2"), within(20ms)).code, code::deadline_exceeded);
  v1::Frame credit;
  credit.set_call(opened.call());
  credit.set_credit(1);
  ASSERT_EQ(server_.send(credit, patience()), std::error_code());
  EXPECT_TRUE(opened.send(request("2"), patience()).ok());
  EXPECT_EQ(take().message(), request("2").SerializeAsString());
  opened.finish();
  EXPECT_TRUE(take().end());
}

TEST_F(BlockingClient, CallsAReplyThatDoesNotParseInternal) {
  auto opened = client_.open(say, request("x"), {.end = true});
  v1::Frame bad;
  bad.set_call(opened.call());
  bad.set_message("\x0a\x7f");
  ASSERT_EQ(server_.send(bad, patience()), std::error_code());
  EXPECT_EQ(opened.next(reply_, patience()).status.code, code::internal);
}

TEST_F(BlockingClient, EndsEveryCallWhenTheConnectionEnds) {
  auto first = client_.open(say, request("1"));
  auto second = client_.open(repeat, request("2"), {.credit = 1});
  { const frame_channel gone = std::move(server_); }
  EXPECT_EQ(first.next(reply_, patience()).status.code, code::unavailable);
  EXPECT_EQ(second.next(reply_, patience()).status.code, code::unavailable);
  EXPECT_TRUE(client_.broken());
  EXPECT_FALSE(client_.connection_status());
}

TEST_F(BlockingClient, RefusesCallsOnABrokenConnection) {
  ASSERT_EQ(server_.half_close(patience()), std::error_code());
  EXPECT_EQ(client_.call(say, request(""), reply_, patience()).code, code::unavailable);
  EXPECT_EQ(client_.broken(), errc::end_of_stream);
  EXPECT_EQ(client_.call(say, request(""), reply_, patience()).code, code::unavailable);
}

TEST_F(BlockingClient, TellsWhyTheServerEndedTheConnection) {
  auto opened = client_.open(say, request("1"));
  end_with(0, code::invalid_argument, "not a Frame");
  EXPECT_EQ(opened.next(reply_, patience()).status.code, code::unavailable);
  ASSERT_TRUE(client_.connection_status());
  EXPECT_EQ(*client_.connection_status(), (rpc::status{code::invalid_argument, "not a Frame"}));
}

TEST_F(BlockingClient, IgnoresWhateverElseComesOnCallZero) {
  auto opened = client_.open(say, request("1"));
  v1::Frame nothing;
  nothing.set_method("a.B/C");
  nothing.set_credit(1);
  nothing.set_end(true);
  ASSERT_EQ(server_.send(nothing, patience()), std::error_code());
  answer(opened.call(), "still here", true);
  EXPECT_TRUE(opened.next(reply_, patience()).has_message());
}

TEST_F(BlockingClient, AnswersCallsOfTheServerUnimplemented) {
  auto opened = client_.open(say, request("1"));
  (void)take();
  v1::Frame call;
  call.set_call(2);
  call.set_method("a.B/C");
  ASSERT_EQ(server_.send(call, patience()), std::error_code());
  answer(opened.call(), "x", true);
  ASSERT_TRUE(opened.next(reply_, patience()).has_message());
  ASSERT_EQ(client_.flush(patience()), std::error_code());
  const auto refusal = take();
  EXPECT_EQ(refusal.call(), 2u);
  EXPECT_EQ(refusal.status().code(), static_cast<int>(code::unimplemented));
}

TEST_F(BlockingClient, TellsAServerWhoseBytesAreNoFrames) {
  auto opened = client_.open(say, request("1"));
  (void)take();
  ASSERT_EQ(server_.send_bytes(std::string("\x01\x00", 2), patience()), std::error_code());
  EXPECT_EQ(opened.next(reply_, patience()).status.code, code::unavailable);
  EXPECT_EQ(client_.broken(), errc::malformed_frame);
  const auto farewell = take();
  EXPECT_EQ(farewell.call(), 0u);
  EXPECT_EQ(farewell.status().code(), static_cast<int>(code::invalid_argument));
}

TEST_F(BlockingClient, EndsAStreamWhoseBacklogPassesItsLimit) {
  auto neglected = client_.open(repeat, request("x"), {.credit = 100, .end = true});
  auto other = client_.open(say, request("x"), {.end = true});
  std::thread server([&] {
    for (int i = 0; i < 20; ++i) answer(neglected.call(), std::string(900 * 1024, 'x'), false);
    answer(other.call(), "behind it", true);
  });
  EXPECT_TRUE(other.next(reply_, patience()).has_message());
  server.join();
  EXPECT_EQ(neglected.next(reply_, patience()).status.code, code::resource_exhausted);
}

TEST_F(BlockingClient, ReadsWhileItSendsSoThatNeitherSideBlocksTheOther) {
  // An echo server that reads nothing new before its answer is taken.
  constexpr int calls = 20;
  std::thread server([&] {
    for (int i = 0; i < calls; ++i) {
      const auto frame = take();
      v1::Frame echoed;
      echoed.set_call(frame.call());
      echoed.set_message(frame.message());
      echoed.set_end(true);
      ASSERT_EQ(server_.send(echoed, patience()), std::error_code());
    }
  });
  std::vector<stream> opened;
  for (int i = 0; i < calls; ++i)
    opened.push_back(client_.open(say, request(std::string(900 * 1024, 'x')), {.end = true}));
  EXPECT_EQ(client_.flush(patience()), std::error_code());
  for (auto& each : opened) EXPECT_TRUE(each.next(reply_, patience()).has_message());
  server.join();
}

TEST_F(BlockingClient, AStreamMayOutliveItsClient) {
  std::optional<blocking_client> client(std::in_place, connect_to(*listener_));
  auto peer = accept_from(*listener_);
  auto opened = client->open(say, request("x"), {.end = true});
  client.reset();
  v1::Frame frame;
  ASSERT_EQ(peer.receive(frame, patience()), std::error_code());
  frame.clear_method();
  frame.set_message(reply("x"));
  ASSERT_EQ(peer.send(frame, patience()), std::error_code());
  EXPECT_TRUE(opened.next(reply_, patience()).has_message());
}

}  // namespace
}  // namespace switchboard::client
