#include "measure/latency_histogram.hpp"

#include <gtest/gtest.h>

namespace switchboard::bench {
namespace {

using std::chrono::nanoseconds;

TEST(LatencyHistogram, HasEachQuantileWithinTwoPercent) {
  latency_histogram of;
  for (int each = 1; each <= 100'000; ++each) of.add(nanoseconds(each * 10));
  for (const auto fraction : {0.5, 0.9, 0.99, 0.999})
    EXPECT_NEAR(static_cast<double>(of.quantile(fraction).count()), fraction * 1e6, fraction * 2e4) << fraction;
}

TEST(LatencyHistogram, KnowsTheGreatestExactly) {
  latency_histogram of;
  of.add(nanoseconds(123'456'789));
  of.add(nanoseconds(5));
  EXPECT_EQ(of.max(), nanoseconds(123'456'789));
  EXPECT_EQ(of.quantile(1), nanoseconds(123'456'789));
}

TEST(LatencyHistogram, AddsAnother) {
  latency_histogram one, other;
  one.add(nanoseconds(1));
  other.add(nanoseconds(3));
  one.add(other);
  EXPECT_EQ(one.count(), 2u);
  EXPECT_EQ(one.max(), nanoseconds(3));
}

TEST(LatencyHistogram, IsZeroWithoutValues) {
  EXPECT_EQ(latency_histogram().quantile(0.5), nanoseconds(0));
}

}  // namespace
}  // namespace switchboard::bench
