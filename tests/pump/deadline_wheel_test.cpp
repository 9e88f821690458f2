#include <algorithm>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include <switchboard/pump/deadline_wheel.hpp>

namespace switchboard {
namespace {

using namespace std::chrono_literals;
using time_point = deadline_wheel::time_point;

class DeadlineWheel : public testing::Test {
protected:
  std::vector<std::uint64_t> collect(time_point now, std::size_t enough = 1'000'000) {
    std::vector<deadline_wheel::due> due;
    wheel.collect(now, enough, due);
    std::vector<std::uint64_t> tags;
    for (const auto& each : due) {
      EXPECT_LE(each.at, now) << "early";
      tags.push_back(each.tag);
    }
    return tags;
  }

  // Some way into the clock's life, and not on a whole millisecond.
  const time_point start{123'456'789us};
  deadline_wheel wheel{start};
};

TEST_F(DeadlineWheel, GivesNothingBeforeTheDeadline) {
  wheel.schedule(start + 10ms, nullptr, 1);
  EXPECT_TRUE(collect(start + 10ms - 1ns).empty());
  EXPECT_EQ(collect(start + 10ms), std::vector<std::uint64_t>{1});
}

TEST_F(DeadlineWheel, IsLateByLessThanOneTick) {
  wheel.schedule(start + 10ms + 1ns, nullptr, 1);
  EXPECT_TRUE(collect(start + 10ms).empty());
  EXPECT_EQ(collect(start + 11ms), std::vector<std::uint64_t>{1});
}

TEST_F(DeadlineWheel, GivesEachDeadlineOnce) {
  wheel.schedule(start + 10ms, nullptr, 1);
  EXPECT_EQ(collect(start + 20ms).size(), 1u);
  EXPECT_TRUE(collect(start + 30ms).empty());
  EXPECT_EQ(wheel.size(), 0u);
}

TEST_F(DeadlineWheel, GivesThePastAtOnce) {
  EXPECT_TRUE(collect(start + 1s).empty());
  EXPECT_TRUE(wheel.schedule(start, nullptr, 1).is_nearest);
  EXPECT_LE(wheel.nearest(), start + 1s);
  EXPECT_EQ(collect(start + 1s), std::vector<std::uint64_t>{1});
}

TEST_F(DeadlineWheel, OrdersWithinOneTick) {
  wheel.schedule(start + 900us, nullptr, 3);
  wheel.schedule(start + 100us, nullptr, 1);
  wheel.schedule(start + 500us, nullptr, 2);
  EXPECT_EQ(collect(start + 1ms), (std::vector<std::uint64_t>{1, 2, 3}));
}

TEST_F(DeadlineWheel, CancelledDeadlineNeverComes) {
  const auto first = wheel.schedule(start + 10ms, nullptr, 1).id;
  wheel.schedule(start + 10ms, nullptr, 2);
  EXPECT_TRUE(wheel.cancel(first));
  EXPECT_EQ(collect(start + 1s), std::vector<std::uint64_t>{2});
}

TEST_F(DeadlineWheel, CancelsOnce) {
  const auto id = wheel.schedule(start + 10ms, nullptr, 1).id;
  EXPECT_TRUE(wheel.cancel(id));
  EXPECT_FALSE(wheel.cancel(id));
}

TEST_F(DeadlineWheel, CannotCancelWhatHasCome) {
  const auto id = wheel.schedule(start + 10ms, nullptr, 1).id;
  collect(start + 10ms);
  wheel.schedule(start + 20ms, nullptr, 2);  // takes the place
  EXPECT_FALSE(wheel.cancel(id));
  EXPECT_EQ(collect(start + 20ms), std::vector<std::uint64_t>{2});
}

TEST_F(DeadlineWheel, NoneIsNoDeadline) {
  EXPECT_FALSE(wheel.cancel(deadline_id::none));
}

TEST_F(DeadlineWheel, KnowsWhetherADeadlineIsTheNearest) {
  EXPECT_EQ(wheel.nearest(), deadline_wheel::none());
  EXPECT_TRUE(wheel.schedule(start + 1h, nullptr, 1).is_nearest);
  EXPECT_FALSE(wheel.schedule(start + 2h, nullptr, 2).is_nearest);
  EXPECT_TRUE(wheel.schedule(start + 1s, nullptr, 3).is_nearest);
  EXPECT_LE(wheel.nearest(), start + 1s);
}

TEST_F(DeadlineWheel, HasNoNearestAgainWhenTheLastHasCome) {
  wheel.schedule(start + 1s, nullptr, 1);
  collect(start + 1s);
  EXPECT_EQ(wheel.nearest(), deadline_wheel::none());
}

TEST_F(DeadlineWheel, WaitsForTheFurthestFuture) {
  wheel.schedule(time_point::max(), nullptr, 1);
  wheel.schedule(start + 24h * 365 * 100, nullptr, 2);
  EXPECT_TRUE(collect(start + 24h * 365 * 99).empty());
  EXPECT_EQ(collect(start + 24h * 365 * 100), std::vector<std::uint64_t>{2});
  EXPECT_EQ(wheel.size(), 1u);
}

TEST_F(DeadlineWheel, StopsWhenItHasEnough) {
  for (int each = 0; each != 100; ++each) wheel.schedule(start + 1ms * each, nullptr, 0);
  EXPECT_EQ(collect(start + 1s, 10).size(), 10u);
  EXPECT_LE(wheel.nearest(), start + 1s);
  EXPECT_EQ(collect(start + 1s).size(), 90u);
}

TEST_F(DeadlineWheel, RefusesMoreThanItsLimit) {
  deadline_wheel small(start, 2);
  const auto first = small.schedule(start + 1ms, nullptr, 1).id;
  EXPECT_NE(small.schedule(start + 1ms, nullptr, 2).id, deadline_id::none);
  EXPECT_EQ(small.schedule(start + 1ms, nullptr, 3).id, deadline_id::none);
  EXPECT_TRUE(small.cancel(first));
  EXPECT_NE(small.schedule(start + 1ms, nullptr, 4).id, deadline_id::none);
}

TEST_F(DeadlineWheel, RefusesAfterClose) {
  wheel.schedule(start + 1ms, nullptr, 1);
  wheel.close();
  EXPECT_EQ(wheel.size(), 0u);
  EXPECT_EQ(wheel.schedule(start + 1ms, nullptr, 2).id, deadline_id::none);
  EXPECT_TRUE(collect(start + 1s).empty());
  EXPECT_EQ(wheel.nearest(), deadline_wheel::none());
}

// Compared with a sorted list, with a clock that moves in steps of every size and up to nearest().
TEST_F(DeadlineWheel, AgreesWithASortedListUnderRandomUse) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  struct expected {
    time_point at;
    std::uint64_t tag;
    deadline_id id;
  };
  std::vector<expected> waiting;
  auto now = start;
  std::uint64_t tag = 0;
  for (int round = 0; round != 20'000; ++round) {
    for (auto more = random() % 4; more != 0; --more) {
      const auto at = now + std::chrono::nanoseconds(random() % (std::uint64_t{1} << (10 + random() % 34)));
      const auto made = wheel.schedule(at, nullptr, ++tag);
      ASSERT_NE(made.id, deadline_id::none);
      waiting.push_back({at, tag, made.id});
    }
    if (!waiting.empty() && random() % 2 == 0) {
      const auto which = waiting.begin() + static_cast<std::ptrdiff_t>(random() % waiting.size());
      ASSERT_TRUE(wheel.cancel(which->id));
      waiting.erase(which);
    }
    const auto first = std::min_element(waiting.begin(), waiting.end(), [](auto& a, auto& b) { return a.at < b.at; });
    if (first != waiting.end()) {
      ASSERT_LE(wheel.nearest(), std::max(now, first->at + deadline_wheel::tick));
    }
    now += std::chrono::nanoseconds(random() % (std::uint64_t{1} << (10 + random() % 28)));
    std::vector<deadline_wheel::due> due;
    wheel.collect(now, 1'000'000, due);
    ASSERT_TRUE(std::is_sorted(due.begin(), due.end(), [](auto& a, auto& b) { return a.at < b.at; }));
    for (const auto& each : due) {
      ASSERT_LE(each.at, now);
      ASSERT_EQ(std::erase_if(waiting, [&](auto& one) { return one.tag == each.tag && one.at == each.at; }), 1u);
    }
    for (const auto& each : waiting) ASSERT_GT(each.at + deadline_wheel::tick, now) << "late by more than a tick";
    ASSERT_EQ(wheel.size(), waiting.size());
  }
}

}  // namespace
}  // namespace switchboard
