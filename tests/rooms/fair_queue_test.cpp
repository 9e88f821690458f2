#include <memory>
#include <string>

#include <gtest/gtest.h>

#include <switchboard/rooms/fair_queue.hpp>

namespace switchboard::rooms {
namespace {

std::string all_of(fair_queue<std::string>& queue) {
  std::string all;
  while (!queue.empty()) all += queue.pop() + " ";
  return all;
}

TEST(FairQueue, GivesOneOwnersItemsInTheirOrder) {
  fair_queue<std::string> queue;
  for (const auto* each : {"a", "b", "c"}) queue.push(1, each);
  EXPECT_EQ(all_of(queue), "a b c ");
}

TEST(FairQueue, LetsOwnersTakeTurns) {
  fair_queue<std::string> queue;
  for (const auto* each : {"a1", "a2", "a3"}) queue.push(1, each);
  queue.push(2, "b1");
  for (const auto* each : {"c1", "c2"}) queue.push(3, each);
  EXPECT_EQ(all_of(queue), "a1 b1 c1 a2 c2 a3 ");
}

TEST(FairQueue, PutsAnOwnerThatComesAgainBehindThoseThatWait) {
  fair_queue<std::string> queue;
  queue.push(1, "a1");
  queue.push(2, "b1");
  EXPECT_EQ(queue.pop(), "a1");
  queue.push(1, "a2");
  EXPECT_EQ(all_of(queue), "b1 a2 ");
}

TEST(FairQueue, TakesItemsThatOnlyMove) {
  fair_queue<std::unique_ptr<int>> queue;
  queue.push(1, std::make_unique<int>(7));
  EXPECT_EQ(*queue.pop(), 7);
  EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace switchboard::rooms
