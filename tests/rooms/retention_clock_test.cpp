#include <gtest/gtest.h>

#include <switchboard/rooms/sqlite/retention_clock.hpp>

namespace switchboard::rooms::sqlite {
namespace {

using namespace std::chrono_literals;
using milliseconds = std::chrono::milliseconds;

/// A clock of the day and one that nothing sets, which pass together.
class RetentionClock : public testing::Test {
protected:
  void pass(milliseconds time) {
    day += time;
    steady += time;
  }
  milliseconds time() { return subject.time(day, steady); }

  milliseconds day = 1'000'000h;
  std::chrono::steady_clock::time_point steady{7h};
  retention_clock subject{milliseconds{day}};
};

TEST_F(RetentionClock, IsTheClockOfTheDay) {
  for (int n = 0; n < 10; ++n, pass(1h)) EXPECT_EQ(time(), day);
  EXPECT_FALSE(subject.in_doubt());
}

TEST_F(RetentionClock, BelievesTheFirstTimeWhereNoneWasBelieved) {
  subject = retention_clock{0ms};
  EXPECT_EQ(time(), day);
}

TEST_F(RetentionClock, TakesSmallCorrections) {
  time();
  day += retention_clock::jump_max;
  EXPECT_EQ(time(), day);
  EXPECT_FALSE(subject.in_doubt());
}

TEST_F(RetentionClock, GoesOnFromBeforeAJump) {
  time();
  const auto before = day;
  day += 2h;
  EXPECT_EQ(time(), before);
  EXPECT_TRUE(subject.in_doubt());
  pass(1h);
  EXPECT_EQ(time(), before + 1h);
}

TEST_F(RetentionClock, DoubtsATimeLongAfterTheOneThatWasBelievedBeforeItsStart) {
  const auto before = day;
  day += 2h;
  EXPECT_EQ(time(), before);
  EXPECT_TRUE(subject.in_doubt());
}

TEST_F(RetentionClock, BelievesAClockThatIsSetRight) {
  time();
  day += 2h;
  time();
  pass(1h);
  day -= 2h;
  EXPECT_EQ(time(), day);
  EXPECT_FALSE(subject.in_doubt());
}

TEST_F(RetentionClock, BelievesAClockThatGoesBack) {
  time();
  day -= 2h;
  EXPECT_EQ(time(), day);
}

TEST_F(RetentionClock, BelievesAJumpThatLastsForLong) {
  time();
  day += 2h;
  time();
  pass(retention_clock::doubted_for - 1ms);
  EXPECT_EQ(time(), day - 2h);
  pass(1ms);
  EXPECT_EQ(time(), day);
  EXPECT_FALSE(subject.in_doubt());
}

TEST_F(RetentionClock, DoubtsASecondJumpAnew) {
  time();
  day += 2h;
  time();
  pass(retention_clock::doubted_for);
  time();
  day += 2h;
  EXPECT_EQ(time(), day - 2h);
}

}  // namespace
}  // namespace switchboard::rooms::sqlite
