#include "measure/spread.hpp"

#include <gtest/gtest.h>

namespace switchboard::bench {
namespace {

TEST(Spread, HasMedianAndQuartilesOfAnyOrder) {
  const auto of = spread::of({5, 1, 4, 2, 3});
  EXPECT_DOUBLE_EQ(of.median, 3);
  EXPECT_DOUBLE_EQ(of.lower, 2);
  EXPECT_DOUBLE_EQ(of.upper, 4);
}

TEST(Spread, InterpolatesBetweenTwoValues) {
  const auto of = spread::of({1, 2, 3, 4});
  EXPECT_DOUBLE_EQ(of.median, 2.5);
  EXPECT_DOUBLE_EQ(of.lower, 1.75);
  EXPECT_DOUBLE_EQ(of.upper, 3.25);
}

TEST(Spread, IsTheValueItselfWhereThereIsOne) {
  const auto of = spread::of({7});
  EXPECT_DOUBLE_EQ(of.lower, 7);
  EXPECT_DOUBLE_EQ(of.upper, 7);
}

TEST(Spread, DividesPairByPair) {
  // The machine was half as fast in the second slice: that is in neither ratio.
  EXPECT_DOUBLE_EQ(spread::of_ratios({10, 5}, {20, 10}).median, 0.5);
}

TEST(Spread, LeavesOutAPairThatCannotBeDivided) {
  EXPECT_DOUBLE_EQ(spread::of_ratios({10, 5}, {20, 0}).median, 0.5);
}

}  // namespace
}  // namespace switchboard::bench
