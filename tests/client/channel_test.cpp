#include "connection.hpp"

#include <atomic>
#include <thread>

#include <unistd.h>

#include <switchboard/client/channel.hpp>
#include <switchboard/echo/v1/echo.pb.h>
#include <switchboard/v1/frame.pb.h>

namespace switchboard::client {
namespace {

using rpc::code;

constexpr method_name say{"switchboard.echo.v1.Echo/Say"};
constexpr method_name repeat{"switchboard.echo.v1.Echo/Repeat", rpc::method_kind::server_streaming};
constexpr method_name collect{"a.B/Collect", rpc::method_kind::client_streaming};

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

class Channel : public testing::Test {
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
  channel client_ = channel_to(*listener_);
  frame_channel server_ = accept_from(*listener_);
  echo::v1::SayReply reply_;
};

TEST_F(Channel, SendsAUnaryCallAsOneFrame) {
  const auto opened = client_.open(say, request("hello"), {.until = within(250ms)});
  const auto frame = take();
  EXPECT_EQ(frame.call(), 1u);
  EXPECT_EQ(frame.method(), say.name);
  EXPECT_EQ(frame.message(), request("hello").SerializeAsString());
  EXPECT_TRUE(frame.end());
  EXPECT_GT(frame.timeout_ms(), 200u);
  EXPECT_LE(frame.timeout_ms(), 250u);
}

TEST_F(Channel, ReturnsTheReply) {
  std::thread server([&] { answer(take().call(), "hello", true); });
  const auto status = client_.call(say.name, request("hello"), reply_, patience());
  server.join();
  EXPECT_TRUE(status.ok()) << status.message;
  EXPECT_EQ(reply_.payload(), "hello");
  EXPECT_EQ(client_.open_calls(), 0u);
}

TEST_F(Channel, ReturnsTheServersStatus) {
  std::thread server([&] { end_with(take().call(), code::not_found, "no such thing"); });
  const auto status = client_.call(say.name, request(""), reply_, patience());
  server.join();
  EXPECT_EQ(status, (rpc::status{code::not_found, "no such thing"}));
}

TEST_F(Channel, TellsTheServerItsDeadline) {
  EXPECT_EQ(client_.call(say.name, request(""), reply_, within(40ms)).code, code::deadline_exceeded);
  const auto opening = take();
  EXPECT_GE(opening.timeout_ms(), 1u);
  EXPECT_LE(opening.timeout_ms(), 40u);
}

TEST_F(Channel, CancelsACallWhoseDeadlinePassed) {
  EXPECT_EQ(client_.call(say.name, request(""), reply_, within(20ms)).code, code::deadline_exceeded);
  const auto opening = take();
  const auto cancel = take();
  EXPECT_EQ(cancel.call(), opening.call());
  EXPECT_EQ(cancel.status().code(), static_cast<int>(code::cancelled));
  EXPECT_EQ(client_.open_calls(), 0u);
}

TEST_F(Channel, IgnoresAnAnswerThatComesAfterTheDeadline) {
  EXPECT_EQ(client_.call(say.name, request(""), reply_, within(20ms)).code, code::deadline_exceeded);
  answer(take().call(), "late", true);
  (void)take();
  std::thread server([&] { answer(take().call(), "in time", true); });
  EXPECT_TRUE(client_.call(say.name, request(""), reply_, patience()).ok());
  server.join();
  EXPECT_EQ(reply_.payload(), "in time");
}

TEST_F(Channel, NumbersCallsOddAndRising) {
  const auto first = client_.open(say, request(""));
  const auto second = client_.open(say, request(""));
  EXPECT_EQ(take().call(), 1u);
  EXPECT_EQ(take().call(), 3u);
}

TEST_F(Channel, KeepsAnswersOfOtherCallsForThem) {
  auto first = client_.open(say, request("1"));
  auto second = client_.open(say, request("2"));
  answer(second.call(), "two", true);
  answer(first.call(), "one", true);
  ASSERT_TRUE(first.next(reply_, patience()).has_message());
  EXPECT_EQ(reply_.payload(), "one");
  ASSERT_TRUE(second.next(reply_, patience()).has_message());
  EXPECT_EQ(reply_.payload(), "two");
}

TEST_F(Channel, StreamsMessagesThenTheEnd) {
  auto opened = client_.open(repeat, request("x"), {.credit = 2});
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

TEST_F(Channel, TellsAStreamsStatusBehindItsMessages) {
  auto opened = client_.open(repeat, request("x"), {.credit = 2});
  answer(opened.call(), "a", false);
  end_with(opened.call(), code::aborted, "taken over");
  EXPECT_TRUE(opened.next(reply_, patience()).has_message());
  EXPECT_EQ(opened.next(reply_, patience()).status.code, code::aborted);
}

TEST_F(Channel, AStreamOutlivesADeadline) {
  auto opened = client_.open(repeat, request("x"), {.credit = 1});
  EXPECT_TRUE(opened.next(reply_, within(20ms)).timed_out());
  answer(opened.call(), "a", false);
  EXPECT_TRUE(opened.next(reply_, patience()).has_message());
}

TEST_F(Channel, DrivesUntilADescriptorCanBeRead) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const int readable[] = {ends[0]};
  const auto never = [] { return false; };
  EXPECT_EQ(client_.drive_until(never, within(20ms), readable), drive_outcome::over);
  ASSERT_EQ(write(ends[1], "x", 1), 1);
  EXPECT_EQ(client_.drive_until(never, patience(), readable), drive_outcome::readable);
  close(ends[0]);
  close(ends[1]);
}

TEST_F(Channel, DrivesNoLongerThanItsDeadlineHoweverMuchComes) {
  std::atomic<bool> over{false};
  std::thread server([&] {
    const std::string empty_frames(4096, '\0');
    while (!over.load()) (void)server_.send_bytes(empty_frames, within(1ms));
  });
  EXPECT_EQ(client_.drive_until([] { return false; }, within(50ms)), drive_outcome::over);
  auto opened = client_.open(repeat, request("x"), {.credit = 1});
  EXPECT_TRUE(opened.next(reply_, within(50ms)).timed_out());
  over = true;
  server.join();
}

TEST_F(Channel, GrantsCredit) {
  auto opened = client_.open(repeat, request("x"), {.credit = 1});
  (void)take();
  opened.grant(5);
  const auto frame = take();
  EXPECT_EQ(frame.call(), opened.call());
  EXPECT_EQ(frame.credit(), 5u);
}

TEST_F(Channel, CancelsAStream) {
  auto opened = client_.open(repeat, request("x"), {.credit = 1});
  (void)take();
  opened.cancel();
  EXPECT_EQ(take().status().code(), static_cast<int>(code::cancelled));
  EXPECT_EQ(opened.next(reply_, patience()).status.code, code::cancelled);
}

TEST_F(Channel, CancelsAStreamThatIsDropped) {
  { const auto dropped = client_.open(repeat, request("x"), {.credit = 1}); }
  (void)take();
  EXPECT_EQ(take().status().code(), static_cast<int>(code::cancelled));
  EXPECT_EQ(client_.open_calls(), 0u);
}

TEST_F(Channel, DoesNotCancelWhatHasEnded) {
  {
    auto opened = client_.open(say, request("x"));
    answer(take().call(), "x", true);
    EXPECT_TRUE(opened.next(reply_, patience()).has_message());
  }
  v1::Frame frame;
  EXPECT_EQ(server_.receive(frame, within(20ms)), errc::timed_out);
}

TEST_F(Channel, SendsOnlyWithCredit) {
  auto opened = client_.open(collect);
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

TEST_F(Channel, CallsAReplyThatDoesNotParseInternal) {
  auto opened = client_.open(say, request("x"));
  v1::Frame bad;
  bad.set_call(opened.call());
  bad.set_message("\x0a\x7f");
  ASSERT_EQ(server_.send(bad, patience()), std::error_code());
  EXPECT_EQ(opened.next(reply_, patience()).status.code, code::internal);
}

TEST_F(Channel, EndsEveryCallWhenTheConnectionEnds) {
  auto first = client_.open(say, request("1"));
  auto second = client_.open(repeat, request("2"), {.credit = 1});
  { const frame_channel gone = std::move(server_); }
  EXPECT_EQ(first.next(reply_, patience()).status.code, code::unavailable);
  EXPECT_EQ(second.next(reply_, patience()).status.code, code::unavailable);
  ASSERT_TRUE(client_.why_ended());
  EXPECT_EQ(client_.why_ended()->code, code::unavailable);
}

TEST_F(Channel, RefusesCallsOnABrokenConnection) {
  ASSERT_EQ(server_.half_close(patience()), std::error_code());
  EXPECT_EQ(client_.call(say.name, request(""), reply_, patience()).code, code::unavailable);
  EXPECT_EQ(client_.call(say.name, request(""), reply_, patience()).code, code::unavailable);
}

TEST_F(Channel, TellsWhyTheServerEndedTheConnection) {
  auto opened = client_.open(say, request("1"));
  end_with(0, code::invalid_argument, "not a Frame");
  EXPECT_EQ(opened.next(reply_, patience()).status.code, code::unavailable);
  ASSERT_TRUE(client_.why_ended());
  EXPECT_NE(client_.why_ended()->message.find("not a Frame"), std::string::npos) << client_.why_ended()->message;
}

TEST_F(Channel, IgnoresWhateverElseComesOnCallZero) {
  auto opened = client_.open(say, request("1"));
  v1::Frame nothing;
  nothing.set_method("a.B/C");
  nothing.set_credit(1);
  nothing.set_end(true);
  ASSERT_EQ(server_.send(nothing, patience()), std::error_code());
  answer(opened.call(), "still here", true);
  EXPECT_TRUE(opened.next(reply_, patience()).has_message());
}

TEST_F(Channel, AnswersCallsOfTheServerUnimplemented) {
  auto opened = client_.open(say, request("1"));
  (void)take();
  v1::Frame call;
  call.set_call(2);
  call.set_method("a.B/C");
  ASSERT_EQ(server_.send(call, patience()), std::error_code());
  answer(opened.call(), "x", true);
  ASSERT_TRUE(opened.next(reply_, patience()).has_message());
  ASSERT_TRUE(client_.flush(patience()));
  const auto refusal = take();
  EXPECT_EQ(refusal.call(), 2u);
  EXPECT_EQ(refusal.status().code(), static_cast<int>(code::unimplemented));
}

TEST_F(Channel, LeavesAServerThatOpensMoreCallsThanItRefusesAtOnce) {
  auto opened = client_.open(say, request("1"));
  (void)take();
  std::atomic<bool> left{false};
  std::thread server([&] {
    v1::Frame call;
    call.set_method("a.B/C");
    // It reads nothing: refusals gather.
    for (std::uint64_t number = 2; !left.load(); number += 2) {
      call.set_call(number);
      (void)server_.send(call, within(1ms));
    }
  });
  EXPECT_EQ(opened.next(reply_, patience()).status.code, code::unavailable);
  left = true;
  server.join();
}

TEST_F(Channel, TellsAServerWhoseBytesAreNoFrames) {
  auto opened = client_.open(say, request("1"));
  (void)take();
  ASSERT_EQ(server_.send_bytes(std::string("\x01\x00", 2), patience()), std::error_code());
  EXPECT_EQ(opened.next(reply_, patience()).status.code, code::unavailable);
  const auto goodbye = take();
  EXPECT_EQ(goodbye.call(), 0u);
  EXPECT_EQ(goodbye.status().code(), static_cast<int>(code::invalid_argument));
}

TEST_F(Channel, EndsAStreamWhoseBacklogPassesItsLimit) {
  auto neglected = client_.open(repeat, request("x"), {.credit = 100});
  auto other = client_.open(say, request("x"));
  std::thread server([&] {
    for (int i = 0; i < 20; ++i) answer(neglected.call(), std::string(900 * 1024, 'x'), false);
    answer(other.call(), "behind it", true);
  });
  EXPECT_TRUE(other.next(reply_, patience()).has_message());
  server.join();
  EXPECT_EQ(neglected.next(reply_, patience()).status.code, code::resource_exhausted);
}

TEST_F(Channel, ReadsWhileItSendsSoThatNeitherSideBlocksTheOther) {
  // An echo server that reads nothing new before its answer is taken.
  constexpr int calls = 16;
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
  for (int i = 0; i < calls; ++i) opened.push_back(client_.open(say, request(std::string(900 * 1024, 'x'))));
  EXPECT_TRUE(client_.flush(patience()));
  for (auto& each : opened) EXPECT_TRUE(each.next(reply_, patience()).has_message());
  server.join();
}

TEST_F(Channel, AStreamMayOutliveItsClient) {
  std::optional<channel> client{channel_to(*listener_)};
  auto peer = accept_from(*listener_);
  auto opened = client->open(say, request("x"));
  client.reset();
  v1::Frame frame;
  ASSERT_EQ(peer.receive(frame, patience()), std::error_code());
  frame.clear_method();
  frame.set_message(reply("x"));
  ASSERT_EQ(peer.send(frame, patience()), std::error_code());
  EXPECT_TRUE(opened.next(reply_, patience()).has_message());
}

// -- connections ----------------------------------------------------------------------------------------------------

/// A channel that connects, and connects again.
class Reconnecting : public testing::Test {
protected:
  channel connect(backoff pauses = backoff{{.first = 1ms, .cap = 5ms}, 1}) {
    channel made{listener_->local(), {.reconnect = pauses}};
    made.tell({.on_connected = [this] { ++connected_; },
               .on_lost =
                   [this](const rpc::status& why, std::optional<clock::duration> pause) {
                     losses_.push_back(why);
                     if (pause) pauses_.push_back(*pause);
                   }});
    return made;
  }
  void drive(channel& client, const std::function<bool()>& done) {
    EXPECT_EQ(client.drive_until(done, patience()), drive_outcome::done);
  }

  std::unique_ptr<net::listener> listener_ = listen_on_loopback();
  int connected_ = 0;
  std::vector<rpc::status> losses_;
  std::vector<clock::duration> pauses_;
};

TEST_F(Reconnecting, ConnectsWhenItIsDriven) {
  auto client = connect();
  EXPECT_FALSE(client.connected());
  drive(client, [&] { return client.connected(); });
  EXPECT_EQ(connected_, 1);
}

TEST_F(Reconnecting, SendsWhatWasAskedBeforeThereWasAConnection) {
  auto client = connect();
  auto opened = client.open(say, request("early"));
  drive(client, [&] { return client.connected(); });
  auto server = accept_from(*listener_);
  EXPECT_EQ(take_frame(server).message(), request("early").SerializeAsString());
}

TEST_F(Reconnecting, ConnectsAnewAfterABreakAndRepeatsNothing) {
  auto client = connect();
  auto first = client.open(say, request("first"));
  drive(client, [&] { return client.connected(); });
  {
    auto server = accept_from(*listener_);
    (void)take_frame(server);
  }
  drive(client, [&] { return first.ready(); });
  echo::v1::SayReply reply;
  EXPECT_EQ(first.next(reply, no_wait).status.code, code::unavailable);
  auto second = client.open(say, request("second"));
  drive(client, [&] { return client.connected(); });
  auto server = accept_from(*listener_);
  EXPECT_EQ(take_frame(server).message(), request("second").SerializeAsString());
  EXPECT_EQ(connected_, 2);
  EXPECT_EQ(losses_.size(), 1u);
}

TEST_F(Reconnecting, TriesUntilTheServerIsThere) {
  const auto at = std::exchange(listener_, nullptr)->local();
  channel client{at, {.reconnect = backoff{{.first = 1ms, .cap = 5ms}, 1}}};
  client.tell({.on_lost = [this](const rpc::status& why, auto) { losses_.push_back(why); }});
  drive(client, [&] { return losses_.size() > 3; });
  EXPECT_NE(losses_[0].message.find(at.to_string()), std::string::npos) << losses_[0].message;
  listener_ = net::system_network().listen(at).value();
  drive(client, [&] { return client.connected(); });
}

TEST_F(Reconnecting, EndsWithItsFirstConnectionWhereItIsNotToReconnect) {
  channel client{listener_->local()};
  drive(client, [&] { return client.connected(); });
  { const auto gone = accept_from(*listener_); }
  drive(client, [&] { return client.why_ended().has_value(); });
  echo::v1::SayReply reply;
  EXPECT_EQ(client.open(say, request("x")).next(reply, no_wait).status.code, code::unavailable);
}

TEST_F(Reconnecting, FailsCallsAtOnceWithoutAConnectionWhereThatIsAskedFor) {
  const auto at = std::exchange(listener_, nullptr)->local();
  channel client{at, {.reconnect = backoff{{.first = 1h, .cap = 1h}, 7}, .wait_for_connection = false}};
  auto waits = client.open(say, request("x"));
  echo::v1::SayReply reply;
  EXPECT_EQ(waits.next(reply, patience()).status.code, code::unavailable);
  EXPECT_EQ(client.open(say, request("x")).next(reply, no_wait).status.code, code::unavailable);
}

TEST(ChannelConnect, TellsThatNobodyListens) {
  const auto where = listen_on_loopback()->local();
  const auto refused = channel::connect(where, patience());
  EXPECT_EQ(refused.status().code, code::unavailable);
  EXPECT_NE(refused.status().message.find(where.to_string()), std::string::npos);
}

}  // namespace
}  // namespace switchboard::client
