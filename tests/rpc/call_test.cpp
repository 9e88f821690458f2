#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <gtest/gtest.h>

#include <switchboard/echo/v1/echo.pb.h>
#include <switchboard/rpc/allowance.hpp>
#include <switchboard/rpc/answers.hpp>
#include <switchboard/rpc/call.hpp>
#include <switchboard/rpc/call_batch.hpp>
#include <switchboard/rpc/service.hpp>
#include <switchboard/rpc/turn.hpp>
#include <switchboard/v1/frame.pb.h>
#include <switchboard/wire/frame_decoder.hpp>

namespace switchboard::rpc {
namespace {

using echo::v1::SayReply;

/// What a connection would have received.
struct inbox {
  std::size_t messages = 0;
  std::vector<v1::Frame> frames;
  std::vector<std::uint64_t> ends;
  std::vector<std::uint64_t> streams;
  std::vector<answers::trailer> trailers;
};

caf::behavior recording_connection(caf::event_based_actor*, inbox* into) {
  return {[into](answers& answer) {
    ++into->messages;
    for (const auto& end : answer.ends) into->ends.push_back(end.call);
    for (const auto& stream : answer.streams) into->streams.push_back(stream.call);
    into->trailers.insert(into->trailers.end(), answer.trailers.begin(), answer.trailers.end());
    wire::frame_decoder decoder;
    decoder.feed(std::as_bytes(std::span{answer.frames}));
    wire::frame_view view;
    while (decoder.next(view) == wire::frame_decoder::outcome::frame) {
      auto& frame = into->frames.emplace_back();
      frame.set_call(view.call);
      if (view.has_message) frame.set_message(std::string(view.message));
      if (view.has_status) frame.mutable_status()->ParseFromString(std::string(view.status));
    }
  }};
}

class Call : public testing::Test {
protected:
  struct testing_config : caf::actor_system_config {
    testing_config() { set("scheduler.policy", caf::atom("testing")); }
  };

  ~Call() override {
    caf::anon_send_exit(connection, caf::exit_reason::user_shutdown);
    from = nullptr;
    connection = nullptr;
    settle();
  }
  void settle() { static_cast<caf::scheduler::test_coordinator&>(system.scheduler()).run(); }
  call_handle call(std::uint64_t number) { return {call_context{from, number, time_point::max(), nullptr}}; }
  responder<SayReply> unary(std::uint64_t number) { return responder<SayReply>{call(number)}; }
  static code code_of(const v1::Frame& frame) { return static_cast<code>(frame.status().code()); }

  inbox received;
  testing_config config;
  caf::actor_system system{config};
  caf::actor connection = system.spawn(recording_connection, &received);
  std::shared_ptr<const caller> from = std::make_shared<const caller>(
      caller{7, caf::actor_cast<caf::strong_actor_ptr>(connection), "somewhere:1", {}, 1000});
};

TEST_F(Call, AnswersOnce) {
  auto answer = unary(3);
  SayReply reply;
  reply.set_payload("p");
  answer.reply(reply);
  EXPECT_FALSE(answer);
  settle();
  ASSERT_EQ(received.ends, std::vector<std::uint64_t>{3});
  SayReply arrived;
  ASSERT_TRUE(arrived.ParseFromString(received.frames[0].message()));
  EXPECT_EQ(arrived.payload(), "p");
}

TEST_F(Call, DroppedUnansweredSaysInternal) {
  { const auto dropped = unary(3); }
  settle();
  ASSERT_EQ(received.frames.size(), 1u);
  EXPECT_EQ(code_of(received.frames[0]), code::internal);
}

TEST_F(Call, DroppedSaysNothingToAConnectionThatIsGone) {
  auto gone = *from;
  gone.allowance = std::make_shared<allowance>(1000);
  gone.allowance->close();
  from = std::make_shared<const caller>(std::move(gone));
  { const auto dropped = unary(3); }
  settle();
  EXPECT_EQ(received.messages, 0u);
}

TEST_F(Call, DroppedWhileItsActorEndsSaysUnavailable) {
  {
    auto held = unary(3);
    const auto ending = turn::ending(nullptr);
    const auto dropped = std::move(held);
  }
  {
    auto held = std::make_unique<responder<SayReply>>(unary(5));
    const auto ending = turn::ending(nullptr);
    held = nullptr;
  }
  settle();
  ASSERT_FALSE(received.frames.empty());
  EXPECT_EQ(code_of(received.frames.back()), code::unavailable);
}

TEST_F(Call, AnsweredUnderAScopeWhereNoHandlerRunsIsAnsweredAtOnce) {
  const deadline_scope until{time_point{} + std::chrono::hours{1}};
  unary(3).reply(SayReply{});
  settle();
  EXPECT_EQ(received.frames.size(), 1u);
}

TEST_F(Call, AssignedOverAnswersTheOldCall) {
  auto held = unary(3);
  held = unary(5);
  settle();
  EXPECT_EQ(received.ends, std::vector<std::uint64_t>{3});
  held.fail(code::aborted, "done");
  settle();
  EXPECT_EQ(received.ends, (std::vector<std::uint64_t>{3, 5}));
}

TEST_F(Call, ReplyAboveTheFrameLimitBecomesResourceExhausted) {
  SayReply reply;
  reply.set_payload(std::string(1000, 'x'));
  unary(3).reply(reply);
  settle();
  ASSERT_EQ(received.frames.size(), 1u);
  EXPECT_EQ(code_of(received.frames[0]), code::resource_exhausted);
}

TEST_F(Call, TrailingMetadataGoesBesideItsAnswer) {
  const metadata cost{{"cost", "3"}};
  {
    const turn together;
    unary(1).reply({});
    unary(3).reply({}, cost);
    unary(5).fail({code::aborted, "no", cost});
  }
  settle();
  EXPECT_EQ(received.ends, (std::vector<std::uint64_t>{1, 3, 5}));
  ASSERT_EQ(received.trailers.size(), 2u);
  EXPECT_EQ(received.trailers[0].end, 1u);
  EXPECT_EQ(received.trailers[1].end, 2u);
  EXPECT_EQ(received.trailers[1].pairs, cost);
}

TEST_F(Call, TrailingMetadataCountsAsBytesOnTheirWay) {
  answers content;
  content.frames = "frame";
  content.trailers.push_back({0, metadata{{"cost", "3"}}});
  EXPECT_EQ(content.bytes(), content.frames.capacity() + content.trailers[0].pairs.fields().size());
}

TEST_F(Call, FramesOnTheirWayCountWithTheRoomThatTheyTake) {
  answers content;
  content.frames.reserve(5'000);
  EXPECT_GE(content.bytes(), 5'000u);
}

TEST_F(Call, AnswersGivenInOneScopeTravelTogether) {
  {
    const turn together;
    for (std::uint64_t number = 1; number < 20; number += 2) unary(number).reply({});
  }
  settle();
  EXPECT_EQ(received.messages, 1u);
  EXPECT_EQ(received.ends.size(), 10u);
}

TEST_F(Call, AWatchGoesAtOnceSoThatNobodyElseAnswersBeforeIt) {
  auto watched = unary(1);
  {
    const turn together;
    watched.watch(caf::actor_cast<caf::strong_actor_ptr>(connection));
    settle();
    EXPECT_EQ(received.messages, 1u);
  }
  settle();
  EXPECT_EQ(received.messages, 1u);
}

TEST_F(Call, AnswersBeyondTheScopesBytesGoEarly) {
  SayReply reply;
  reply.set_payload(std::string(900, 'x'));
  {
    const turn together;
    for (std::size_t i = 0; i <= turn::frame_bytes_max / 900; ++i) unary(2 * i + 1).reply(reply);
  }
  settle();
  EXPECT_EQ(received.messages, 2u);
}

TEST_F(Call, AnswersOutsideAnyScopeGoAtOnce) {
  unary(1).reply({});
  unary(3).reply({});
  settle();
  EXPECT_EQ(received.messages, 2u);
}

TEST_F(Call, StreamTurnsOverToItsSource) {
  outbound<SayReply> stream{call(3)};
  stream.generate([](SayReply&) { return false; });
  settle();
  EXPECT_EQ(received.streams, std::vector<std::uint64_t>{3});
  EXPECT_TRUE(received.frames.empty());
}

TEST_F(Call, BatchNobodyTookSaysUnavailable) {
  const method say{"x.Y/Z", method_kind::unary, nullptr, nullptr, {}};
  {
    call_batch batch{from};
    batch.add(1, say, "a", time_point::max());
    batch.add(3, say, "b", time_point::max());
    call_batch moved = std::move(batch);
  }
  settle();
  EXPECT_EQ(received.ends, (std::vector<std::uint64_t>{1, 3}));
  EXPECT_EQ(code_of(received.frames[1]), code::unavailable);
}

TEST_F(Call, BatchGivesEachCallItsOwnRequest) {
  const method say{"x.Y/Z", method_kind::unary, nullptr, nullptr, {}};
  std::vector<std::string> requests;
  call_batch batch{from};
  batch.add(1, say, "first", time_point::max());
  batch.add(3, say, "", time_point::max());
  batch.add(5, say, "third", time_point::max());
  batch.take_each([&](const method&, incoming_call& taken) {
    requests.emplace_back(taken.request);
    taken.handle.fail(code::aborted, "");
  });
  EXPECT_EQ(requests, (std::vector<std::string>{"first", "", "third"}));
}

TEST_F(Call, BatchGivesEachCallItsOwnMetadata) {
  const method say{"x.Y/Z", method_kind::unary, nullptr, nullptr, {}};
  std::vector<std::size_t> sizes;
  call_batch batch{from};
  batch.add(1, say, "", time_point::max(), 0, nullptr, std::make_shared<const metadata>(metadata{{"key", "value"}}));
  batch.add(3, say, "", time_point::max());
  batch.take_each([&](const method&, incoming_call& taken) {
    sizes.push_back(taken.handle.context().metadata().size());
    taken.handle.fail(code::aborted, "");
  });
  EXPECT_EQ(sizes, (std::vector<std::size_t>{1, 0}));
}

TEST_F(Call, BatchTellsOfAnEndBetweenTheCallsThatCameBeforeAndAfter) {
  const method say{"x.Y/Z", method_kind::unary, nullptr, nullptr, {}};
  std::vector<std::string> order;
  call_batch batch{from};
  batch.add(3, say, "call 3", time_point::max());
  batch.add_end({nullptr, {from->id, 1}});
  batch.add(5, say, "call 5", time_point::max());
  batch.add_end({nullptr, {from->id, 3}});
  const auto take = [&](const method&, incoming_call& taken) {
    order.emplace_back(taken.request);
    taken.handle.fail(code::aborted, "");
  };
  const auto tell = [&](end_notice& notice) { order.push_back("end of " + std::to_string(notice.what().call)); };
  EXPECT_FALSE(batch.take_each([&](call_batch::part) { return order.empty(); }, take, tell));
  EXPECT_EQ(order, std::vector<std::string>{"call 3"});
  EXPECT_FALSE(batch.take_each([](call_batch::part next) { return next == call_batch::part::end; }, take, tell));
  EXPECT_EQ(order, (std::vector<std::string>{"call 3", "end of 1"}));
  EXPECT_TRUE(batch.take_each([](call_batch::part) { return true; }, take, tell));
  EXPECT_EQ(order, (std::vector<std::string>{"call 3", "end of 1", "call 5", "end of 3"}));
}

TEST_F(Call, BatchLetsTheRestBeTakenAfterAHandlerThrew) {
  const method say{"x.Y/Z", method_kind::unary, nullptr, nullptr, {}};
  call_batch batch{from};
  batch.add(1, say, "throws", time_point::max());
  batch.add(3, say, "goes on", time_point::max());
  const auto take = [&](const method&, incoming_call& taken) {
    if (taken.request == "throws") throw std::runtime_error("a handler's fault");
    taken.handle.fail(code::aborted, "");
  };
  EXPECT_THROW(batch.take_each(take), std::runtime_error);
  batch.take_each(take);
  settle();
  EXPECT_EQ(received.ends, (std::vector<std::uint64_t>{1, 3}));
  EXPECT_EQ(code_of(received.frames[0]), code::internal);
}

}  // namespace
}  // namespace switchboard::rpc
