#include <gtest/gtest.h>

#include <switchboard/limit/rate_limiter.hpp>

namespace switchboard {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// A limiter and its clock.
class RateLimiter : public testing::Test {
protected:
  bool take(const std::string& key = "ann") {
    if (limiter.wait(key, now) != rate_limiter::duration::zero()) return false;
    limiter.charge(key, now);
    return true;
  }
  int take_all(const std::string& key = "ann") {
    int taken = 0;
    while (taken < 1'000 && take(key)) ++taken;
    return taken;
  }

  rate_limiter limiter{{.burst = 10, .per_minute = 60}};
  rate_limiter::time_point now{seconds(1'000)};
};

TEST_F(RateLimiter, AllowsABurstAtOnce) {
  EXPECT_EQ(take_all(), 10);
}

TEST_F(RateLimiter, SaysHowLongToWaitForTheNext) {
  take_all();
  EXPECT_EQ(limiter.wait("ann", now), seconds(1));
  now += milliseconds(400);
  EXPECT_EQ(limiter.wait("ann", now), milliseconds(600));
  now += milliseconds(600);
  EXPECT_TRUE(take());
  EXPECT_FALSE(take());
}

TEST_F(RateLimiter, KeepsItsRateAfterTheBurst) {
  take_all();
  int taken = 0;
  for (int tenth = 0; tenth < 600; ++tenth) {
    now += milliseconds(100);
    taken += take_all();
  }
  EXPECT_EQ(taken, 60);
}

TEST_F(RateLimiter, NeverSavesMoreThanABurst) {
  take_all();
  now += minutes(60);
  EXPECT_EQ(take_all(), 10);
}

TEST_F(RateLimiter, CountsEachKeyForItself) {
  take_all("ann");
  EXPECT_EQ(take_all("bob"), 10);
}

TEST_F(RateLimiter, RefusesNothingWithoutARate) {
  limiter = rate_limiter{{.burst = 1, .per_minute = 0}};
  EXPECT_EQ(take_all(), 1'000);
  EXPECT_EQ(limiter.keys(), 0u);
}

TEST_F(RateLimiter, AllowsOneAtATimeWithoutABurst) {
  limiter = rate_limiter{{.burst = 0, .per_minute = 60}};
  EXPECT_EQ(take_all(), 1);
}

TEST_F(RateLimiter, ForgetsKeysWhoseBurstHasComeBack) {
  for (int key = 0; key < 10'000; ++key) {
    take(std::to_string(key));
    now += milliseconds(10);
  }
  // Each is kept for a second, in which a hundred come.
  EXPECT_LE(limiter.keys(), 300u);
}

}  // namespace
}  // namespace switchboard
