#include "report/axis.hpp"

#include <gtest/gtest.h>

namespace switchboard::bench {
namespace {

using marks = std::vector<double>;

TEST(Axis, OfNumbersBeginsAtZeroAndEndsAtARoundOne) {
  EXPECT_EQ(axis::linear(95).marks(), (marks{0, 20, 40, 60, 80, 100}));
  EXPECT_DOUBLE_EQ(axis::linear(95).place_of(50), 0.5);
}

TEST(Axis, OfMagnitudesMarksOneTwoAndFive) {
  const auto of = axis::logarithmic(15, 400);
  EXPECT_EQ(of.marks(), (marks{10, 20, 50, 100, 200, 500}));
  EXPECT_DOUBLE_EQ(of.place_of(10), 0);
  EXPECT_DOUBLE_EQ(of.place_of(500), 1);
}

TEST(Axis, OfManyMagnitudesMarksPowersOfTen) {
  EXPECT_EQ(axis::logarithmic(1, 1e6).marks(), (marks{1, 10, 100, 1e3, 1e4, 1e5, 1e6}));
}

TEST(Axis, HasExtentWhereAllValuesAreTheSame) {
  const auto of = axis::logarithmic(100, 100);
  EXPECT_DOUBLE_EQ(of.place_of(100), 0);
  EXPECT_EQ(of.marks(), (marks{100, 200}));
  EXPECT_DOUBLE_EQ(axis::linear(0).place_of(0), 0);
}

}  // namespace
}  // namespace switchboard::bench
