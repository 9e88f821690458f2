#include <memory>

#include <gtest/gtest.h>

#include <switchboard/rpc/call_metrics.hpp>

namespace switchboard::rpc {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view say = "switchboard.echo.v1.Echo/Say";

struct CallMetrics : testing::Test {
  std::shared_ptr<metrics::registry> figures = std::make_shared<metrics::registry>();
  call_metrics calls{figures, say};

  std::int64_t ended(std::string_view code) const {
    return figures->read().value("switchboard_calls_ended_total", {say, code});
  }
};

TEST_F(CallMetrics, CountsACallAtItsOpeningAndAtItsEnd) {
  calls.opened();
  EXPECT_EQ(figures->read().value("switchboard_calls_opened_total", {say}), 1);
  EXPECT_EQ(figures->read().total("switchboard_calls_ended_total"), 0);
  calls.ended(code::ok, 3ms);
  EXPECT_EQ(ended("OK"), 1);
  EXPECT_EQ(figures->read().value("switchboard_call_duration_seconds", {say}), 1);
  EXPECT_DOUBLE_EQ(figures->read().find("switchboard_call_duration_seconds", {say})->sum, 0.003);
}

TEST_F(CallMetrics, CountsEachCodeByItsName) {
  calls.ended(code::cancelled, 1ms);
  calls.ended(code::unauthenticated, 1ms);
  EXPECT_EQ(ended("CANCELLED"), 1);
  EXPECT_EQ(ended("UNAUTHENTICATED"), 1);
  EXPECT_EQ(ended("OK"), 0);
}

TEST_F(CallMetrics, CountsCodesThatHaveNoNameAsUnknown) {
  calls.ended(static_cast<code>(17), 1ms);
  calls.ended(static_cast<code>(-1), 1ms);
  EXPECT_EQ(ended("UNKNOWN"), 2);
}

TEST_F(CallMetrics, KeepsMethodsApart) {
  const call_metrics others{figures, call_metrics::unserved};
  others.ended(code::unimplemented, 1ms);
  EXPECT_EQ(figures->read().value("switchboard_calls_ended_total", {"unserved", "UNIMPLEMENTED"}), 1);
  EXPECT_EQ(ended("UNIMPLEMENTED"), 0);
}

TEST_F(CallMetrics, CountsNothingWithoutARegistry) {
  const call_metrics none{nullptr, say};
  none.opened();
  none.ended(code::ok, 1ms);
  EXPECT_EQ(figures->read().total("switchboard_calls_opened_total"), 0);
}

}  // namespace
}  // namespace switchboard::rpc
