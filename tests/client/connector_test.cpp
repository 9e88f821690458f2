#include <gtest/gtest.h>

#include <switchboard/client/connector.hpp>

namespace switchboard::client {
namespace {

using namespace std::chrono_literals;
using phase = connector::phase;

deadline at(std::chrono::milliseconds since) {
  return deadline{} + since;
}

connector reconnecting() {
  return {backoff{{.first = 100ms, .cap = 10s}, 1}, 50ms};
}

TEST(Connector, BeginsAtOnceAndOnlyOnce) {
  connector made{std::nullopt, 50ms};
  EXPECT_TRUE(made.begin(at(0ms)));
  EXPECT_FALSE(made.begin(at(1ms)));
  EXPECT_TRUE(made.is(phase::connecting));
}

TEST(Connector, GivesAnAttemptItsTimeAndNoMore) {
  connector made{std::nullopt, 50ms};
  ASSERT_TRUE(made.begin(at(10ms)));
  EXPECT_EQ(made.wake_at(), at(60ms));
  EXPECT_FALSE(made.late(at(59ms)));
  EXPECT_TRUE(made.late(at(60ms)));
}

TEST(Connector, IsNotLateOnceItIsConnected) {
  connector made{std::nullopt, 50ms};
  ASSERT_TRUE(made.begin(at(0ms)));
  made.connected();
  EXPECT_FALSE(made.late(at(1h)));
  EXPECT_EQ(made.wake_at(), deadline::max());
}

TEST(Connector, EndsWithItsFirstConnectionUnlessItIsToReconnect) {
  connector made{std::nullopt, 50ms};
  ASSERT_TRUE(made.begin(at(0ms)));
  made.lost(at(1ms));
  EXPECT_TRUE(made.is(phase::ended));
  EXPECT_FALSE(made.begin(at(1h)));
}

TEST(Connector, PausesBeforeTheNextAttempt) {
  auto made = reconnecting();
  ASSERT_TRUE(made.begin(at(0ms)));
  made.lost(at(20ms));
  EXPECT_TRUE(made.is(phase::resting));
  const auto next = made.wake_at();
  EXPECT_GE(next, at(20ms));
  EXPECT_LE(next, at(120ms));
  EXPECT_FALSE(made.begin(next - 1ns));
  EXPECT_TRUE(made.begin(next));
}

TEST(Connector, PausesLongerUntilTheServerHasSaidSomething) {
  const auto longest_pause_after = [](int attempts, bool proven) {
    clock::duration longest{0};
    for (std::uint32_t seed = 1; seed <= 50; ++seed) {
      connector made{backoff{{.first = 100ms, .cap = 10s}, seed}, 50ms};
      auto now = at(0ms);
      for (int i = 0; i < attempts; ++i) {
        now = std::max(now, made.wake_at());
        EXPECT_TRUE(made.begin(now));
        made.connected();
        if (proven) made.proven();
        made.lost(now);
      }
      longest = std::max(longest, made.wake_at() - now);
    }
    return longest;
  };
  EXPECT_GT(longest_pause_after(6, false), 1s);
  EXPECT_LE(longest_pause_after(6, true), 100ms);
}

TEST(Connector, StaysEnded) {
  auto made = reconnecting();
  made.end();
  made.lost(at(0ms));
  EXPECT_TRUE(made.is(phase::ended));
  EXPECT_EQ(made.wake_at(), deadline::max());
}

}  // namespace
}  // namespace switchboard::client
