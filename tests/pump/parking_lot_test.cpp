#include "running_system.hpp"

#include <gtest/gtest.h>

#include <switchboard/pump/parking_lot.hpp>

namespace switchboard {
namespace {

using namespace pump_test;
using role = parking_lot::role;

class ParkingLot : public testing::Test {
protected:
  std::unique_ptr<notify::notification_port> port = system_port();
  deadline_wheel deadlines{port->now()};
  parking_lot lot{*port, deadlines};
};

TEST_F(ParkingLot, LoneThreadKeepsTimeAndNeverWatches) {
  EXPECT_EQ(lot.park(1, true), role::timekeeper);
}

TEST_F(ParkingLot, ParkedThreadWatchesWhileOthersRun) {
  EXPECT_EQ(lot.park(3, false), role::watch);
  EXPECT_EQ(lot.park(3, false), role::sleeper);
}

TEST_F(ParkingLot, LastToParkKeepsTimeWhenNoneWatches) {
  ASSERT_EQ(lot.park(2, false), role::watch);
  lot.unpark(role::watch, 0);
  ASSERT_EQ(lot.park(2, false), role::watch);
  EXPECT_EQ(lot.park(2, false), role::sleeper);
  lot.unpark(role::watch, 0);
  EXPECT_EQ(lot.park(2, false), role::timekeeper);
}

TEST_F(ParkingLot, ThreadThatHasWorkedIsTheSecondWatch) {
  EXPECT_EQ(lot.park(4, true), role::watch);
  EXPECT_EQ(lot.park(4, true), role::watch);
  EXPECT_EQ(lot.park(4, true), role::sleeper);
}

TEST_F(ParkingLot, WakesNoneWhileNoneIsParked) {
  EXPECT_FALSE(lot.wake_one());
  EXPECT_FALSE(lot.wake_watch());
}

TEST_F(ParkingLot, PostsOneWakeForABurst) {
  lot.park(2, false);
  lot.park(2, false);
  EXPECT_TRUE(lot.wake_one());
  EXPECT_FALSE(lot.wake_one());
  EXPECT_FALSE(lot.wake_watch());
  std::array<notify::packet, 4> came;
  ASSERT_EQ(port->wait(came, patience).value(), 1u);
  EXPECT_EQ(came[0].key, parking_lot::wake_key);
}

TEST_F(ParkingLot, PostsAgainWhenAWakeWasTaken) {
  const auto first = lot.park(2, false);
  lot.park(2, false);
  ASSERT_TRUE(lot.wake_one());
  lot.unpark(first, 1);
  EXPECT_TRUE(lot.wake_one());
}

TEST_F(ParkingLot, PostsAgainWhenABusyThreadHasTakenTheWake) {
  lot.park(2, false);
  ASSERT_TRUE(lot.wake_one());
  lot.taken(1);
  EXPECT_TRUE(lot.wake_one());
}

TEST_F(ParkingLot, WakesNoWatchWhileThereIsOne) {
  ASSERT_EQ(lot.park(3, false), role::watch);
  EXPECT_FALSE(lot.wake_watch());
  ASSERT_EQ(lot.park(3, false), role::sleeper);
  lot.unpark(role::watch, 0);
  EXPECT_TRUE(lot.wake_watch());
}

TEST_F(ParkingLot, WatchIsPatientForOnePeriodOrUntilTheNextDeadline) {
  EXPECT_EQ(lot.patience(role::watch), watch_period);
  deadlines.schedule(port->now() + 1ms, nullptr, 1);
  EXPECT_LE(lot.patience(role::watch), 1ms + deadline_wheel::tick);
}

TEST_F(ParkingLot, SleeperIsPatientForEverUnlessADeadlineComesBeforeTheWatchWakes) {
  EXPECT_EQ(lot.patience(role::sleeper), notify::notification_port::infinite);
  (void)lot.patience(role::watch);
  deadlines.schedule(port->now() + 1h, nullptr, 1);
  EXPECT_EQ(lot.patience(role::sleeper), notify::notification_port::infinite);
  deadlines.schedule(port->now(), nullptr, 2);
  EXPECT_LE(lot.patience(role::sleeper), deadline_wheel::tick);
}

TEST_F(ParkingLot, TimekeeperIsPatientUntilTheNextDeadline) {
  EXPECT_EQ(lot.patience(role::timekeeper), notify::notification_port::infinite);
  deadlines.schedule(port->now() + 1h, nullptr, 1);
  EXPECT_LE(lot.patience(role::timekeeper), 1h + deadline_wheel::tick);
}

}  // namespace
}  // namespace switchboard
