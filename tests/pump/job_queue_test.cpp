#include <atomic>
#include <thread>
#include <vector>

#include <caf/resumable.hpp>
#include <gtest/gtest.h>

#include <switchboard/pump/job_queue.hpp>

namespace switchboard {
namespace {

/// A job that knows its number, and is never run.
struct numbered final : caf::resumable {
  explicit numbered(int given) : number(given) {}
  resume_result resume(caf::execution_unit*, std::size_t) override { return done; }
  void intrusive_ptr_add_ref_impl() override {}
  void intrusive_ptr_release_impl() override {}
  const int number;
};

TEST(JobQueue, GivesFirstWhatCameFirst) {
  job_queue queue;
  numbered first(1);
  numbered second(2);
  EXPECT_EQ(queue.push(&first), 1u);
  EXPECT_EQ(queue.push(&second), 2u);
  EXPECT_EQ(queue.pop(), &first);
  EXPECT_EQ(queue.pop(), &second);
  EXPECT_EQ(queue.pop(), nullptr);
}

TEST(JobQueue, KeepsALoneJobFromThoseWhoWantMore) {
  job_queue queue;
  numbered first(1);
  numbered second(2);
  queue.push(&first);
  EXPECT_EQ(queue.pop(2), nullptr);
  queue.push(&second);
  EXPECT_EQ(queue.pop(2), &first);
  EXPECT_EQ(queue.pop(2), nullptr);
}

TEST(JobQueue, GrowsInTheMiddleOfItsRing) {
  constexpr int jobs = 10'000;
  std::vector<numbered> all;
  for (int each = 0; each != jobs; ++each) all.emplace_back(each);
  job_queue queue;
  int next_out = 0;
  for (auto& each : all) {
    queue.push(&each);
    // One out for every three in: the front is anywhere when the ring is full.
    if (each.number % 3 == 0) {
      ASSERT_EQ(queue.pop(), &all[static_cast<std::size_t>(next_out++)]);
    }
  }
  while (next_out != jobs) ASSERT_EQ(queue.pop(), &all[static_cast<std::size_t>(next_out++)]);
  EXPECT_EQ(queue.size(), 0u);
}

TEST(JobQueue, GivesEachJobToOneOfManyTakers) {
  constexpr int jobs = 20'000;
  std::vector<numbered> all;
  for (int each = 0; each != jobs; ++each) all.emplace_back(each);
  std::vector<std::atomic<int>> taken(jobs);
  std::atomic<int> left{jobs};
  job_queue queue;
  const auto take = [&] {
    while (left > 0) {
      if (const auto found = queue.pop()) {
        ++taken[static_cast<std::size_t>(static_cast<numbered*>(found)->number)];
        --left;
      } else {
        std::this_thread::yield();
      }
    }
  };
  std::thread one(take);
  std::thread other(take);
  for (auto& each : all) queue.push(&each);
  one.join();
  other.join();
  for (const auto& times : taken) EXPECT_EQ(times, 1);
}

}  // namespace
}  // namespace switchboard
