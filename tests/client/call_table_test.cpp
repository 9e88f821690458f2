#include <random>
#include <vector>

#include <gtest/gtest.h>

#include <switchboard/client/call_table.hpp>
#include <switchboard/error/errc.hpp>
#include <switchboard/v1/frame.pb.h>
#include <switchboard/wire/frame_decoder.hpp>
#include <switchboard/wire/frame_encoder.hpp>

namespace switchboard::client {
namespace {

using namespace std::chrono_literals;
using rpc::call_effect;
using rpc::code;
using kind = rpc::method_kind;
using without = call_table::without_connection;

constexpr std::string_view method = "a.B/C";

/// Time is what a test says it is.
deadline at(std::chrono::milliseconds since) {
  return deadline{} + since;
}

class recorder final : public call_handler {
public:
  rpc::status on_reply(std::string_view message) override {
    replies.emplace_back(message);
    if (then) then();
    return verdict;
  }
  void on_credit(std::uint32_t more) override { credit += more; }
  void on_end(const rpc::status& how) override { ends.push_back(how); }

  std::vector<std::string> replies;
  std::uint32_t credit = 0;
  std::vector<rpc::status> ends;
  rpc::status verdict;
  std::function<void()> then;
};

/// Frames as they would leave, one by one.
class wire_tap final : public frame_output {
public:
  void add(std::string_view frame) override { bytes_.append(frame); }
  std::size_t size() const noexcept override { return bytes_.size(); }

  std::vector<v1::Frame> take() {
    std::vector<v1::Frame> frames;
    const auto bytes = std::exchange(bytes_, {});
    wire::frame_decoder decoder{wire::default_frame_limit};
    decoder.feed(std::as_bytes(std::span{bytes}));
    wire::frame_view view;
    while (decoder.next(view) == wire::frame_decoder::outcome::frame) {
      auto& frame = frames.emplace_back();
      frame.set_call(view.call);
      frame.set_method(std::string(view.method));
      if (view.has_message) frame.set_message(std::string(view.message));
      frame.set_end(view.end);
      frame.set_credit(view.credit);
      frame.set_timeout_ms(view.timeout_ms);
      if (view.has_status)
        (void)frame.mutable_status()->ParseFromArray(view.status.data(), static_cast<int>(view.status.size()));
    }
    return frames;
  }
  v1::Frame take_one() {
    const auto frames = take();
    EXPECT_EQ(frames.size(), 1u);
    return frames.empty() ? v1::Frame{} : frames[0];
  }

private:
  std::string bytes_;
};

class CallTable : public testing::Test {
protected:
  std::uint64_t open(kind of, std::uint32_t credit = 0, deadline until = deadline::max()) {
    return calls.open({.method = method, .kind = of, .request = "q", .credit = credit, .until = until, .handler = seen},
                      now);
  }
  void connect() {
    calls.connected(out, now);
    out.take();
  }
  /// A frame of the server's, made by one of wire's append_ functions or field by field.
  std::optional<rpc::status> give(const wire::frame_view& frame) { return calls.on_frame(frame); }
  std::optional<rpc::status> reply(std::uint64_t call, std::string_view message, bool end = false) {
    return give({.call = call, .message = message, .has_message = true, .end = end});
  }
  std::optional<rpc::status> give_status(std::uint64_t call, code how, std::string text = {}) {
    v1::Status status;
    status.set_code(static_cast<int>(how));
    status.set_message(std::move(text));
    const auto bytes = status.SerializeAsString();
    return give({.call = call, .status = bytes, .has_status = true});
  }
  std::vector<code> ends() const {
    std::vector<code> codes;
    for (const auto& each : seen->ends) codes.push_back(each.code);
    return codes;
  }

  deadline now = at(0ms);
  call_table calls{{.frame_bytes_max = 1000, .open_calls_max = 3, .output_bytes_max = 5000, .refusal_bytes_max = 200}};
  wire_tap out;
  std::shared_ptr<recorder> seen = std::make_shared<recorder>();
};

TEST_F(CallTable, SendsAUnaryCallAsOneFrame) {
  connect();
  open(kind::unary, 0, at(250ms));
  const auto frame = out.take_one();
  EXPECT_EQ(frame.call(), 1u);
  EXPECT_EQ(frame.method(), method);
  EXPECT_EQ(frame.message(), "q");
  EXPECT_TRUE(frame.end());
  EXPECT_EQ(frame.credit(), 0u);
  EXPECT_EQ(frame.timeout_ms(), 250u);
}

TEST_F(CallTable, EndsAUnaryCallWithItsReply) {
  connect();
  reply(open(kind::unary), "a", true);
  EXPECT_EQ(seen->replies, std::vector<std::string>{"a"});
  EXPECT_EQ(ends(), std::vector{code::ok});
  EXPECT_EQ(calls.size(), 0u);
}

TEST_F(CallTable, NumbersCallsOddAndRisingOverAllConnections) {
  connect();
  EXPECT_EQ(open(kind::unary), 1u);
  calls.disconnected({code::unavailable, "gone"}, without::wait);
  EXPECT_EQ(calls.next_number(), 3u);
  EXPECT_EQ(open(kind::unary), 3u);
}

TEST_F(CallTable, CancelsACallThatIsAnsweredTwice) {
  connect();
  const auto call = open(kind::client_streaming);
  out.take();
  reply(call, "a");
  reply(call, "b");
  EXPECT_EQ(seen->replies, std::vector<std::string>{"a"});
  EXPECT_EQ(ends(), std::vector{code::resource_exhausted});
  EXPECT_EQ(out.take_one().status().code(), static_cast<int>(code::cancelled));
}

TEST_F(CallTable, CancelsAStreamThatSendsMoreThanItWasGranted) {
  connect();
  const auto call = open(kind::server_streaming, 1);
  EXPECT_EQ(out.take_one().credit(), 1u);
  calls.grant(call, 1);
  EXPECT_EQ(out.take_one().credit(), 1u);
  for (int i = 0; i < 3; ++i) reply(call, "a");
  EXPECT_EQ(seen->replies.size(), 2u);
  EXPECT_EQ(ends(), std::vector{code::resource_exhausted});
}

TEST_F(CallTable, CancelsACallWhoseHandlerTakesNoMore) {
  connect();
  const auto call = open(kind::server_streaming, 9);
  out.take();
  seen->verdict = {code::internal, "no"};
  reply(call, "a");
  EXPECT_EQ(ends(), std::vector{code::internal});
  EXPECT_EQ(out.take_one().call(), call);
}

TEST_F(CallTable, SendsRequestsAsTheServerGrantsThem) {
  connect();
  const auto call = open(kind::bidirectional);
  out.take();
  EXPECT_EQ(calls.send(call, "1"), call_effect::beyond_credit);
  give({.call = call, .credit = 1});
  EXPECT_EQ(seen->credit, 1u);
  EXPECT_EQ(calls.find(call)->machine.request_credit(), 1u);
  EXPECT_EQ(calls.send(call, "1"), call_effect::taken);
  EXPECT_EQ(calls.send(call, "2"), call_effect::beyond_credit);
  EXPECT_EQ(out.take_one().message(), "1");
  calls.finish(call);
  calls.finish(call);
  EXPECT_TRUE(out.take_one().end());
}

TEST_F(CallTable, EndsItsRequestsWhereTheServerHasAnsweredInFull) {
  connect();
  const auto call = open(kind::client_streaming);
  out.take();
  reply(call, "a", true);
  EXPECT_EQ(ends(), std::vector{code::ok});
  const auto last = out.take_one();
  EXPECT_TRUE(last.end());
  EXPECT_FALSE(last.has_status());
  EXPECT_EQ(calls.send(call, "1"), call_effect::ignored);
}

TEST_F(CallTable, EndsACallWhoseMessageIsAboveTheFrameLimit) {
  connect();
  const auto call = open(kind::client_streaming);
  give({.call = call, .credit = 1});
  EXPECT_EQ(calls.send(call, std::string(2000, 'x')), call_effect::ignored);
  EXPECT_EQ(ends(), std::vector{code::resource_exhausted});
}

TEST_F(CallTable, IgnoresWhatComesForACallThatHasEnded) {
  connect();
  const auto call = open(kind::server_streaming, 5);
  calls.cancel(call, {code::cancelled, "enough"});
  out.take();
  reply(call, "late");
  give_status(call, code::aborted);
  EXPECT_TRUE(seen->replies.empty());
  EXPECT_EQ(ends(), std::vector{code::cancelled});
  EXPECT_EQ(out.size(), 0u);
}

TEST_F(CallTable, LetsAHandlerCancelTheCallThatItIsCalledFor) {
  connect();
  const auto call = open(kind::server_streaming, 5);
  seen->then = [&] { calls.cancel(call, {code::cancelled, "enough"}); };
  reply(call, "a", true);
  EXPECT_EQ(ends(), std::vector{code::cancelled});
}

// -- limits ---------------------------------------------------------------------------------------------------------

TEST_F(CallTable, RefusesMoreCallsThanMayBeOpen) {
  connect();
  for (int i = 0; i < 3; ++i) open(kind::unary);
  open(kind::unary);
  EXPECT_EQ(ends(), std::vector{code::resource_exhausted});
  EXPECT_EQ(calls.size(), 3u);
}

TEST_F(CallTable, RefusesARequestAboveTheFrameLimit) {
  calls.open({.method = method, .request = std::string(1000, 'x'), .handler = seen}, now);
  EXPECT_EQ(ends(), std::vector{code::resource_exhausted});
}

TEST_F(CallTable, RefusesWhatWouldWaitBeyondTheOutputLimit) {
  call_table narrow{{.output_bytes_max = 100}};
  narrow.open({.method = method, .request = std::string(80, 'x'), .handler = seen}, now);
  EXPECT_TRUE(ends().empty()) << "it waits for a connection";
  narrow.open({.method = method, .request = std::string(80, 'x'), .handler = seen}, now);
  EXPECT_EQ(ends(), std::vector{code::resource_exhausted});
}

TEST_F(CallTable, RefusesTheCallsOfAServerAndLeavesOneThatOpensTooMany) {
  connect();
  std::optional<rpc::status> why;
  std::uint64_t number = 0;
  while (!why && number < 100) why = give({.call = number += 2, .method = "x.Y/Z"});
  ASSERT_TRUE(why);
  EXPECT_EQ(why->code, code::unavailable);
  const auto frames = out.take();
  ASSERT_GT(frames.size(), 2u);
  EXPECT_EQ(frames[0].call(), 2u);
  EXPECT_EQ(frames[0].status().code(), static_cast<int>(code::unimplemented));
  EXPECT_EQ(frames.back().call(), 0u);
  EXPECT_EQ(frames.back().status().code(), static_cast<int>(code::resource_exhausted));
}

TEST_F(CallTable, RefusesForAsLongAsTheServerReads) {
  connect();
  for (std::uint64_t number = 2; number < 2000; number += 2) {
    ASSERT_FALSE(give({.call = number, .method = "x.Y/Z"}));
    out.take();
  }
}

TEST_F(CallTable, AnswersNoCallOfAServerThatIsCancelledAtOnce) {
  connect();
  EXPECT_FALSE(give({.call = 2, .method = "x.Y/Z", .has_status = true}));
  EXPECT_EQ(out.size(), 0u);
}

// -- deadlines ------------------------------------------------------------------------------------------------------

TEST_F(CallTable, EndsCallsAtTheirDeadlines) {
  connect();
  const auto late = open(kind::server_streaming, 1, at(20ms));
  open(kind::unary, 0, at(10ms));
  open(kind::unary);
  out.take();
  EXPECT_EQ(calls.nearest_deadline(), at(10ms));
  EXPECT_FALSE(calls.expire(at(9ms)));
  EXPECT_TRUE(calls.expire(at(10ms)));
  EXPECT_EQ(ends(), std::vector{code::deadline_exceeded});
  EXPECT_EQ(out.take_one().status().code(), static_cast<int>(code::cancelled));
  EXPECT_EQ(calls.nearest_deadline(), at(20ms));
  give_status(late, code::aborted);
  EXPECT_EQ(calls.nearest_deadline(), deadline::max());
}

TEST_F(CallTable, RefusesACallWhoseDeadlineHasPassed) {
  connect();
  open(kind::unary, 0, now);
  EXPECT_EQ(ends(), std::vector{code::deadline_exceeded});
  EXPECT_EQ(out.size(), 0u);
}

// -- connections ----------------------------------------------------------------------------------------------------

TEST_F(CallTable, SendsCallsThatWaitedInTheirOrderWithWhatWasDoneMeanwhile) {
  const auto streaming = open(kind::bidirectional, 2);
  const auto unary = open(kind::unary, 0, at(100ms));
  EXPECT_EQ(calls.send(streaming, "1"), call_effect::beyond_credit);
  calls.grant(streaming, 3);
  calls.finish(streaming);
  calls.connected(out, at(40ms));
  const auto frames = out.take();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].call(), streaming);
  EXPECT_EQ(frames[0].credit(), 5u);
  EXPECT_TRUE(frames[0].end());
  EXPECT_EQ(frames[1].call(), unary);
  EXPECT_EQ(frames[1].timeout_ms(), 60u);
}

TEST_F(CallTable, SaysNothingToTheServerOfACallThatWasNotSent) {
  const auto call = open(kind::unary);
  calls.cancel(call, {code::cancelled, "enough"});
  calls.connected(out, now);
  EXPECT_EQ(out.size(), 0u);
  EXPECT_EQ(ends(), std::vector{code::cancelled});
}

TEST_F(CallTable, EndsWhatWasSentWhenTheConnectionBreaksAndKeepsWhatWaits) {
  connect();
  open(kind::unary);
  calls.disconnected({code::unavailable, "gone"}, without::wait);
  EXPECT_EQ(ends(), std::vector{code::unavailable});
  open(kind::unary);
  calls.disconnected({code::unavailable, "gone again"}, without::wait);
  EXPECT_EQ(calls.size(), 1u);
}

TEST_F(CallTable, FailsCallsWithoutAConnectionWhereThatIsAskedFor) {
  open(kind::unary);
  calls.disconnected({code::unavailable, "gone"}, without::fail);
  EXPECT_EQ(ends(), std::vector{code::unavailable});
  open(kind::unary);
  EXPECT_EQ(seen->ends.back(), (rpc::status{code::unavailable, "gone"}));
  calls.connected(out, now);
  open(kind::unary);
  EXPECT_EQ(calls.size(), 1u);
}

TEST_F(CallTable, SaysWhyTheServerEndsTheConnection) {
  connect();
  EXPECT_FALSE(give({.call = 0, .message = "x", .has_message = true}));
  const auto why = give_status(0, code::unavailable, "for the night");
  ASSERT_TRUE(why);
  EXPECT_NE(why->message.find("for the night"), std::string::npos);
}

TEST_F(CallTable, TellsTheServerWhatWasWrongWithItsFrames) {
  connect();
  EXPECT_EQ(calls.on_error(make_error_code(errc::frame_too_large)).code, code::unavailable);
  EXPECT_EQ(out.take_one().status().code(), static_cast<int>(code::resource_exhausted));
  EXPECT_EQ(calls.on_error(make_error_code(errc::malformed_frame)).code, code::unavailable);
  EXPECT_EQ(out.take_one().status().code(), static_cast<int>(code::invalid_argument));
  EXPECT_EQ(calls.on_error(make_error_code(errc::end_of_stream)).code, code::unavailable);
  EXPECT_EQ(out.size(), 0u);
}

// -- sequences ------------------------------------------------------------------------------------------------------

TEST(CallTableSequence, EndsEveryCallOnceWhateverComes) {
  const auto first_seed = std::random_device{}();
  for (std::uint64_t seed = first_seed; seed < first_seed + 2000ULL; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 chance{seed};
    call_table calls;
    wire_tap out;
    auto now = at(0ms);
    std::vector<std::shared_ptr<recorder>> handlers;
    const auto any_call = [&] { return 1 + 2 * (chance() % (handlers.size() + 2)); };
    bool connected = false;
    for (int step = 0; step < 60; ++step) {
      switch (chance() % 12) {
        case 0:
        case 1:
          handlers.push_back(std::make_shared<recorder>());
          calls.open({.method = method,
                      .kind = static_cast<kind>(chance() % 4),
                      .credit = static_cast<std::uint32_t>(chance() % 3),
                      .until = chance() % 2 ? now + std::chrono::milliseconds{chance() % 50} : deadline::max(),
                      .handler = handlers.back()},
                     now);
          break;
        case 2:
          if (!std::exchange(connected, true)) calls.connected(out, now);
          break;
        case 3:
          if (chance() % 4 == 0 && std::exchange(connected, false))
            calls.disconnected({code::unavailable, "gone"}, chance() % 2 ? without::wait : without::fail);
          break;
        case 4:
          calls.cancel(any_call(), {code::cancelled, "enough"});
          break;
        case 5:
          calls.finish(any_call());
          break;
        case 6:
          calls.grant(any_call(), static_cast<std::uint32_t>(chance() % 3));
          break;
        case 7:
          (void)calls.send(any_call(), "x");
          break;
        case 8:
          calls.expire(now += std::chrono::milliseconds{chance() % 10});
          break;
        default:
          if (connected)
            (void)calls.on_frame({.call = any_call(),
                                  .message = "x",
                                  .credit = static_cast<std::uint32_t>(chance() % 3),
                                  .has_message = chance() % 2 == 0,
                                  .has_status = chance() % 8 == 0,
                                  .end = chance() % 8 == 0});
      }
    }
    if (!connected) calls.connected(out, now);
    calls.disconnected({code::unavailable, "gone"}, without::fail);
    ASSERT_EQ(calls.size(), 0u);
    ASSERT_EQ(calls.nearest_deadline(), deadline::max());
    for (const auto& each : handlers) ASSERT_EQ(each->ends.size(), 1u);
    for (const auto& frame : out.take()) ASSERT_LE(frame.call(), 2 * handlers.size());
  }
}

}  // namespace
}  // namespace switchboard::client
