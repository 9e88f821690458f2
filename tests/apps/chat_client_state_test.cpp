/// What chat-client's session is made of beside the channel: unacknowledged messages, where its stream stopped, and when it
/// tries again.

#include "outbox.hpp"
#include "random_bytes.hpp"
#include "resume_point.hpp"
#include "retry_timer.hpp"

#include <limits>
#include <set>

#include <gtest/gtest.h>

namespace switchboard::chat_client {
namespace {

using namespace std::chrono_literals;

TEST(Outbox, KeepsMessagesInOrder) {
  outbox box;
  ASSERT_TRUE(box.push("one"));
  ASSERT_TRUE(box.push("two"));
  EXPECT_EQ(box.pop().text, "one");
  EXPECT_EQ(box.pop().text, "two");
  EXPECT_TRUE(box.empty());
}

TEST(Outbox, GivesEachMessageAnIdForAsLongAsItStays) {
  outbox box;
  ASSERT_TRUE(box.push("same"));
  ASSERT_TRUE(box.push("same"));
  const auto id = box.first().id;
  EXPECT_EQ(box.pop().id, id);
  EXPECT_NE(box.first().id, id);
}

TEST(Outbox, RefusesMoreThanItsLimit) {
  outbox box;
  for (std::size_t i = 0; i < unacknowledged_limit; ++i) ASSERT_TRUE(box.push("x"));
  EXPECT_FALSE(box.push("one too many"));
  EXPECT_EQ(box.size(), unacknowledged_limit);
  (void)box.pop();
  EXPECT_TRUE(box.push("fits again"));
}

TEST(Outbox, GivesUpAllOfThem) {
  outbox box;
  ASSERT_TRUE(box.push("one"));
  ASSERT_TRUE(box.push("two"));
  EXPECT_EQ(box.clear().size(), 2u);
  EXPECT_TRUE(box.empty());
}

chat::v1::RoomEvent message(std::uint64_t sequence) {
  chat::v1::RoomEvent event;
  event.mutable_message()->set_sequence(sequence);
  return event;
}

chat::v1::RoomEvent caught_up(std::uint64_t sequence) {
  chat::v1::RoomEvent event;
  event.mutable_caught_up()->set_sequence(sequence);
  event.mutable_caught_up()->set_log_id("log");
  return event;
}

chat::v1::JoinRequest next_join(const resume_point& from, std::uint32_t history_limit = 10) {
  chat::v1::JoinRequest request;
  request.set_nickname("ann");
  from.fill(request, history_limit);
  return request;
}

TEST(ResumePoint, AsksForHistoryBeforeAnythingWasReceived) {
  const auto join = next_join({}, 10);
  EXPECT_EQ(join.after_sequence(), 0u);
  EXPECT_EQ(join.history_limit(), 10u);
  EXPECT_TRUE(join.log_id().empty());
}

TEST(ResumePoint, NamesTheLastSequenceAndItsLog) {
  resume_point at;
  EXPECT_TRUE(at.advance(caught_up(5)));
  EXPECT_TRUE(at.advance(message(6)));
  const auto join = next_join(at);
  EXPECT_EQ(join.after_sequence(), 6u);
  EXPECT_EQ(join.log_id(), "log");
  EXPECT_EQ(join.history_limit(), 0u);
}

TEST(ResumePoint, RefusesAMessageItHasSeen) {
  resume_point at;
  EXPECT_TRUE(at.advance(message(2)));
  EXPECT_FALSE(at.advance(message(2)));
  EXPECT_FALSE(at.advance(message(1)));
  EXPECT_EQ(at.last_sequence(), 2u);
}

TEST(ResumePoint, PassesOverAGap) {
  resume_point at;
  chat::v1::RoomEvent gap;
  gap.mutable_gap()->set_from(1);
  gap.mutable_gap()->set_to(40);
  EXPECT_TRUE(at.advance(gap));
  EXPECT_EQ(at.last_sequence(), 40u);
}

TEST(ResumePoint, AsksForAllThatCameSinceTheRoomWasEmpty) {
  resume_point at;
  EXPECT_TRUE(at.advance(caught_up(0)));
  EXPECT_EQ(next_join(at).history_limit(), std::numeric_limits<std::uint32_t>::max());
}

TEST(ResumePoint, AsksForAllOfALogThatStartedOver) {
  resume_point at;
  EXPECT_TRUE(at.advance(caught_up(5)));
  EXPECT_TRUE(at.names_place());
  at.restart_log();
  EXPECT_FALSE(at.names_place());
  EXPECT_EQ(next_join(at).history_limit(), std::numeric_limits<std::uint32_t>::max());
  EXPECT_TRUE(at.advance(message(1)));
}

TEST(ResumePoint, BeginsAnewInAnotherRoomUnderTheSameToken) {
  resume_point at;
  EXPECT_TRUE(at.advance(caught_up(5)));
  const auto token = next_join(at).resume_token();
  EXPECT_EQ(token.size(), 16u);
  at.leave_room();
  EXPECT_EQ(next_join(at, 10).history_limit(), 10u);
  EXPECT_EQ(next_join(at).resume_token(), token);
}

TEST(RetryTimer, IsDueAtOnceBeforeAnyFailure) {
  EXPECT_TRUE(retry_timer(client::backoff({.first = 1h, .cap = 1h}, 1)).is_due());
}

TEST(RetryTimer, IsDueWhenThePauseHasPassed) {
  retry_timer timer(client::backoff({.first = 1h, .cap = 1h}, 1));
  const auto due = timer.postpone();
  EXPECT_FALSE(timer.is_due(due - 1ns));
  EXPECT_TRUE(timer.is_due(due));
}

TEST(RetryTimer, IsDueAtOnceWhenCircumstancesChange) {
  retry_timer timer(client::backoff({.first = 1h, .cap = 1h}, 1));
  const auto due = timer.postpone();
  timer.expire();
  EXPECT_TRUE(timer.is_due(due - 1ns));
}

TEST(RandomId, IsDifferentEachTime) {
  std::set<std::string> ids;
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(ids.insert(random_id()).second);
  EXPECT_EQ(ids.begin()->size(), 32u);
}

TEST(RandomBytes, AreAsManyAsWanted) {
  for (const std::size_t size : {0u, 1u, 5u, 16u}) EXPECT_EQ(random_bytes(size).size(), size);
}

}  // namespace
}  // namespace switchboard::chat_client
