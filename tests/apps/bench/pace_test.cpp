#include "measure/pace.hpp"

#include <gtest/gtest.h>

namespace switchboard::bench {
namespace {

using namespace std::chrono_literals;

const pace::time_point start{1h};

TEST(Pace, HasMessagesDueAtEqualDistances) {
  pace of{1000, start, start + 1s};
  for (int each = 0; each < 5; ++each, of.take()) EXPECT_EQ(of.due(), start + each * 1ms);
}

TEST(Pace, DoesNotWaitForThoseThatAreLate) {
  pace of{1000, start, start + 1s};
  int taken = 0;
  // The client was held up for 10 ms: all that was due meanwhile is due now, each since its own moment.
  for (; of.is_due(start + 10ms); of.take()) EXPECT_EQ(of.due(), start + taken++ * 1ms);
  EXPECT_EQ(taken, 11);
}

TEST(Pace, EndsWithItsTime) {
  pace of{10, start, start + 1s};
  int taken = 0;
  for (; !of.is_over(); of.take()) ++taken;
  EXPECT_EQ(taken, 10);
  EXPECT_FALSE(of.is_due(start + 10s));
}

TEST(Pace, DoesNotDriftFromItsRate) {
  pace of{3, start, start + 10h};
  for (int each = 0; each < 3 * 3600; ++each) of.take();
  EXPECT_EQ(of.due(), start + 1h);
}

TEST(Pace, CountsOfAMessageThatWasHeldOnlyWhatTheClientWasLateAfterwards) {
  pace of{1000, start, start + 1s};
  of.take();
  EXPECT_EQ(of.lateness(start + 3ms), 2ms);
  of.was_held_until(start + 8ms);
  EXPECT_EQ(of.lateness(start + 9ms), 1ms);
  // Whatever was due meanwhile was held too.
  of.take();
  EXPECT_EQ(of.lateness(start + 9ms), 1ms);
}

}  // namespace
}  // namespace switchboard::bench
