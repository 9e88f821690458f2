#include <algorithm>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include <switchboard/limit/limit_monitor.hpp>

namespace switchboard {
namespace {

/// What `act` writes to standard error.
template <class Act>
std::string logged(Act&& act) {
  testing::internal::CaptureStderr();
  act();
  return testing::internal::GetCapturedStderr();
}

TEST(LimitMonitor, CountsEachHitByTheLimitsName) {
  const auto figures = std::make_shared<metrics::registry>();
  limit_monitor calls{"open_calls", figures}, frames{"frame_bytes", figures};
  logged([&] {
    calls.hit("a");
    calls.hit("b");
    frames.hit("a");
  });
  EXPECT_EQ(figures->read().value("switchboard_limit_hits_total", {"open_calls"}), 2);
  EXPECT_EQ(figures->read().value("switchboard_limit_hits_total", {"frame_bytes"}), 1);
}

TEST(LimitMonitor, ReadsZeroBeforeItIsHit) {
  const auto figures = std::make_shared<metrics::registry>();
  const limit_monitor calls{"open_calls", figures};
  ASSERT_NE(figures->read().find("switchboard_limit_hits_total", {"open_calls"}), nullptr);
}

TEST(LimitMonitor, LogsWhoHitWhichLimit) {
  limit_monitor calls{"open_calls"};
  const auto text = logged([&] { calls.hit("127.0.0.1:4711"); });
  EXPECT_NE(text.find("127.0.0.1:4711"), std::string::npos) << text;
  EXPECT_NE(text.find("open_calls"), std::string::npos) << text;
}

TEST(LimitMonitor, AFloodOfHitsIsCountedInFullAndLoggedInPart) {
  constexpr int hits = 1'000;
  const auto figures = std::make_shared<metrics::registry>();
  const auto text = logged([&] {
    limit_monitor calls{"open_calls", figures};
    for (int i = 0; i < hits; ++i) calls.hit("127.0.0.1:4711");
  });
  EXPECT_EQ(figures->read().value("switchboard_limit_hits_total", {"open_calls"}), hits);
  EXPECT_LT(std::count(text.begin(), text.end(), '\n'), 100);
  EXPECT_NE(text.find("were not written"), std::string::npos) << text;
}

}  // namespace
}  // namespace switchboard
