#include <gtest/gtest.h>

#include <switchboard/notify/packet_queue.hpp>

namespace switchboard::notify {
namespace {

packet_list one(std::uint64_t key, queued_packet::origin from = queued_packet::origin::post) {
  packet_list result;
  result.push_back({.content = {key, 0}, .from = from});
  return result;
}

TEST(PacketQueue, SendsOneWakeForABurst) {
  packet_queue queue;
  EXPECT_EQ(queue.push_post(one(1)), packet_queue::push_result::must_wake);
  EXPECT_EQ(queue.push_post(one(2)), packet_queue::push_result::queued);
  EXPECT_EQ(queue.push_post(one(3)), packet_queue::push_result::queued);
}

TEST(PacketQueue, SendsAWakeAgainOnceTheLastWasSeen) {
  packet_queue queue;
  static_cast<void>(queue.push_post(one(1)));
  EXPECT_FALSE(queue.take(8, true).must_wake);
  EXPECT_EQ(queue.push_post(one(2)), packet_queue::push_result::must_wake);
}

TEST(PacketQueue, PassesTheWakeOnWhenPacketsAreLeftBehind) {
  packet_queue queue;
  static_cast<void>(queue.push_post(one(1)));
  static_cast<void>(queue.push_post(one(2)));
  const auto taken = queue.take(1, true);
  EXPECT_EQ(taken.packets.size(), 1U);
  EXPECT_TRUE(taken.must_wake);
}

TEST(PacketQueue, WakesForWhatTheTakerItselfCouldNotTake) {
  packet_queue queue;
  EXPECT_EQ(queue.push_events(one(1, queued_packet::origin::removal), packet_queue::taker::caller_too),
            packet_queue::push_result::queued);
  EXPECT_TRUE(queue.take(0, false).must_wake);
  EXPECT_FALSE(queue.take(0, false).must_wake);
}

TEST(PacketQueue, RefusesPostsAboveTheLimitAndTakesThePortsOwnStill) {
  packet_queue queue;
  for (std::size_t n = 0; n < packet_queue::post_limit; ++n)
    ASSERT_NE(queue.push_post(one(n)), packet_queue::push_result::full);
  EXPECT_EQ(queue.push_post(one(0)), packet_queue::push_result::full);
  for (const auto from : {queued_packet::origin::removal, queued_packet::origin::accept})
    EXPECT_NE(queue.push_events(one(0, from), packet_queue::taker::others), packet_queue::push_result::full);
  EXPECT_EQ(queue.take(packet_queue::post_limit, false).packets.size(), packet_queue::post_limit);
  EXPECT_NE(queue.push_post(one(0)), packet_queue::push_result::full);
}

}  // namespace
}  // namespace switchboard::notify
