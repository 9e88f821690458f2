#include <thread>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <gtest/gtest.h>

#include <switchboard/echo/v1/echo.pb.h>
#include <switchboard/rpc/stream.hpp>
#include <switchboard/rpc/turn.hpp>

namespace switchboard::rpc {
namespace {

using echo::v1::SayReply;
using words = std::vector<std::string>;

/// An actor that both ends of streams may send their notices to, stepped by the test.
class Stream : public testing::Test {
protected:
  /// Runs the turns that have come; how many.
  int take_turns() {
    int turns = 0;
    bool more = true;
    while (more)
      self->receive(
          [&](stream_turn& turn) {
            ++turns;
            const rpc::turn own{self.ptr()};
            const auto end = turn->take();
            end->turn(nullptr);
          },
          [&](const stream_ready&) { ++wakes; },
          [&](answers& told) {
            for (const auto& each : told.grants) grants.push_back(each);
          },
          caf::after(std::chrono::seconds(0)) >> [&] { more = false; });
    return turns;
  }
  waker here(std::uint64_t call = 1) { return {caf::actor_cast<caf::strong_actor_ptr>(self.ptr()), call}; }
  static SayReply reply(std::string payload) {
    SayReply made;
    made.set_payload(std::move(payload));
    return made;
  }
  static words drain(source& from) {
    words seen;
    payload next;
    while (from.next(next) == source::outcome::message) seen.emplace_back(next.bytes);
    return seen;
  }

  caf::actor_system_config config;
  caf::actor_system system{config};
  caf::scoped_actor self{system};
  int wakes = 0;
  std::vector<answers::grant> grants;
};

// -- the queue ------------------------------------------------------------------------------------------------------

TEST_F(Stream, TakesNoMoreThanIsGranted) {
  stream_queue queue{2};
  EXPECT_TRUE(queue.push("a", nullptr));
  EXPECT_TRUE(queue.push("b", nullptr));
  EXPECT_FALSE(queue.push("c", nullptr));
  EXPECT_EQ(drain(queue), (words{"a", "b"}));
  EXPECT_FALSE(queue.push("c", nullptr));
  queue.granted(1, nullptr);
  EXPECT_TRUE(queue.push("c", nullptr));
}

TEST_F(Stream, TakesNoMoreThanItsWindowWhateverIsGranted) {
  stream_queue queue{1000, 10};
  EXPECT_TRUE(queue.push(std::string(8, 'x'), nullptr));
  EXPECT_TRUE(queue.push(std::string(8, 'x'), nullptr));
  EXPECT_FALSE(queue.push("", nullptr));
}

TEST_F(Stream, TellsARefusedWriterOnceWhenThereIsRoom) {
  stream_queue queue{1};
  queue.set_writer(here());
  ASSERT_TRUE(queue.push("a", nullptr));
  ASSERT_FALSE(queue.push("b", nullptr));
  queue.granted(1, nullptr);
  queue.granted(1, nullptr);
  take_turns();
  EXPECT_EQ(wakes, 1);
}

TEST_F(Stream, TellsNoWriterThatWasNotRefused) {
  stream_queue queue{1};
  queue.set_writer(here());
  queue.granted(5, nullptr);
  take_turns();
  EXPECT_EQ(wakes, 0);
}

TEST_F(Stream, TellsAReaderOnceForABurst) {
  stream_queue queue{100};
  queue.attach(here());
  EXPECT_EQ(drain(queue), words{});
  for (int i = 0; i < 10; ++i) queue.push("x", nullptr);
  take_turns();
  EXPECT_EQ(wakes, 1);
}

TEST_F(Stream, EndsBehindWhatIsQueued) {
  stream_queue queue{10};
  queue.push("a", nullptr);
  queue.finish({code::aborted, "why"}, nullptr);
  EXPECT_FALSE(queue.ended());
  EXPECT_EQ(drain(queue), words{"a"});
  EXPECT_EQ(queue.result().code, code::aborted);
  EXPECT_FALSE(queue.push("b", nullptr));
}

TEST_F(Stream, AFailureDropsWhatIsQueuedAndCountsOverAnEndNobodyHasSeen) {
  stream_queue queue{10};
  queue.push("a", nullptr);
  queue.finish({}, nullptr);
  queue.fail({code::cancelled, ""}, nullptr);
  EXPECT_EQ(drain(queue), words{});
  EXPECT_EQ(queue.result().code, code::cancelled);
}

TEST_F(Stream, AFailureAfterTheEndWasSeenChangesNothing) {
  stream_queue queue{10};
  queue.finish({}, nullptr);
  EXPECT_EQ(drain(queue), words{});
  queue.fail({code::cancelled, ""}, nullptr);
  EXPECT_TRUE(queue.result().ok());
}

TEST_F(Stream, WhoWaitsForAnEndWithoutCreditIsTold) {
  stream_queue queue{0};
  queue.attach(here());
  drain(queue);
  EXPECT_FALSE(queue.ended());
  queue.finish({}, nullptr);
  take_turns();
  EXPECT_EQ(wakes, 1);
  EXPECT_TRUE(queue.ended());
}

TEST_F(Stream, AWriterIsToldThatItsReaderIsGone) {
  stream_queue queue{1};
  queue.set_writer(here());
  queue.detach();
  take_turns();
  EXPECT_EQ(wakes, 1);
  EXPECT_FALSE(queue.push("a", nullptr));
}

TEST_F(Stream, AWriterThatComesLateIsToldThatItsReaderIsGone) {
  stream_queue queue{8};
  ASSERT_TRUE(queue.push("a", nullptr));
  queue.detach();
  queue.set_writer(here());
  take_turns();
  EXPECT_EQ(wakes, 1);
}

// -- a writer -------------------------------------------------------------------------------------------------------

TEST_F(Stream, CreditThatComesWhileAMessageIsRefusedLetsNoOtherThrough) {
  // Credit comes from the reader's thread at any moment of a send(): every message that was taken is the one given.
  constexpr int messages = 200'000;
  auto queue = std::make_shared<stream_queue>(0);
  std::jthread reader{[queue](std::stop_token stop) {
    payload next;
    int expected = 0;
    while (expected < messages && !stop.stop_requested()) {
      queue->granted(1, nullptr);
      SayReply seen;
      while (queue->next(next) == source::outcome::message) {
        seen.ParseFromArray(next.bytes.data(), static_cast<int>(next.bytes.size()));
        if (seen.payload() != std::to_string(expected)) return queue->detach();
        ++expected;
      }
    }
  }};
  outbound<SayReply> out{queue};
  int sent = 0;
  while (sent < messages && !out.ended())
    if (out.send(reply(std::to_string(sent)))) ++sent;
  EXPECT_FALSE(out.ended()) << "what was read is not what was sent, around " << sent;
  out.finish();
}

// -- a pipe ---------------------------------------------------------------------------------------------------------

TEST_F(Stream, APipeCarriesMessagesInOrderThenItsEnd) {
  auto pipe = make_pipe<SayReply>();
  words seen;
  pipe.in.receive(
      self.ptr(), [&](SayReply& each) { seen.push_back(each.payload()); },
      [&](const status& how) { seen.push_back(to_string(how.code)); });
  take_turns();
  EXPECT_TRUE(pipe.out.send(reply("a")));
  EXPECT_TRUE(pipe.out.send(reply("b")));
  pipe.out.finish();
  take_turns();
  EXPECT_EQ(seen, (words{"a", "b", "OK"}));
}

TEST_F(Stream, APipeGrantsAsItsReaderHandles) {
  auto pipe = make_pipe<SayReply>();
  int seen = 0;
  EXPECT_FALSE(pipe.out.send(reply("nobody reads yet")));
  pipe.in.receive(
      self.ptr(), [&](SayReply&) { ++seen; }, [](const status&) {}, 4);
  int sent = 0;
  pipe.out.on_ready(self.ptr(), [&] {
    while (sent < 100 && pipe.out.send(reply("x"))) ++sent;
  });
  while (sent < 100) ASSERT_GT(take_turns(), 0);
  take_turns();
  EXPECT_EQ(seen, 100);
}

TEST_F(Stream, AWriterThatLetsGoEndsItsPipeWithInternal) {
  auto pipe = make_pipe<SayReply>();
  code end = code::ok;
  pipe.in.receive(
      self.ptr(), [](SayReply&) {}, [&](const status& how) { end = how.code; });
  pipe.out = {};
  take_turns();
  EXPECT_EQ(end, code::internal);
}

TEST_F(Stream, AReaderThatCancelsInItsOwnHandlerIsCalledNoMore) {
  auto pipe = make_pipe<SayReply>();
  int seen = 0;
  auto on = std::make_shared<reading>();
  *on = pipe.in.receive(
      self.ptr(),
      [&seen, on](SayReply&) {
        ++seen;
        on->cancel();
      },
      [](const status&) { ADD_FAILURE() << "told of an end"; });
  take_turns();
  pipe.out.send(reply("a"));
  pipe.out.send(reply("b"));
  take_turns();
  EXPECT_EQ(seen, 1);
  EXPECT_TRUE(pipe.out.ended());
}

TEST_F(Stream, AFollowedSourceIsWhatAPipeGives) {
  auto pipe = make_pipe<SayReply>();
  pipe.out.generate([left = 3](SayReply& next) mutable {
    next.set_payload(std::to_string(left));
    return left-- > 0;
  });
  words seen;
  pipe.in.receive(
      self.ptr(), [&](SayReply& each) { seen.push_back(each.payload()); },
      [&](const status& how) { seen.push_back(to_string(how.code)); });
  take_turns();
  EXPECT_EQ(seen, (words{"3", "2", "1", "OK"}));
}

// -- a call's stream of requests ------------------------------------------------------------------------------------

TEST_F(Stream, RequestsThatComeTogetherWithTheirEndCountAgainstTheConnectionNoLongerOnceTheyAreHandled) {
  const auto from = std::make_shared<const caller>(
      caller{7, caf::actor_cast<caf::strong_actor_ptr>(self.ptr()), "somewhere:1", {}, 1000});
  auto queue = std::make_shared<stream_queue>(stream_queue::credit_max);
  const auto request = reply("handled").SerializeAsString();
  queue->push(request, nullptr);
  queue->finish({}, nullptr);
  bool ended = false;
  inbound<SayReply>{call_context{from, 3, time_point::max(), nullptr}, queue}.receive(
      self.ptr(), [](SayReply&) {}, [&](const status&) { ended = true; });
  while (take_turns() > 0) {
  }
  EXPECT_TRUE(ended);
  std::size_t released = 0;
  for (const auto& each : grants) released += each.bytes_released;
  EXPECT_EQ(released, request.size());
}

TEST_F(Stream, RequestsThatNobodyWillReadCountAgainstTheConnectionNoLonger) {
  const auto from = std::make_shared<const caller>(
      caller{7, caf::actor_cast<caf::strong_actor_ptr>(self.ptr()), "somewhere:1", {}, 1000});
  auto queue = std::make_shared<stream_queue>(stream_queue::credit_max);
  queue->push("unread", nullptr);
  { const inbound<SayReply> dropped{call_context{from, 3, time_point::max(), nullptr}, queue}; }
  take_turns();
  ASSERT_EQ(grants.size(), 1u);
  EXPECT_EQ(grants[0].call, 3u);
  EXPECT_EQ(grants[0].bytes_released, std::numeric_limits<std::uint32_t>::max());
}

}  // namespace
}  // namespace switchboard::rpc
