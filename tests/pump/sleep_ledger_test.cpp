#include <gtest/gtest.h>

#include <switchboard/pump/sleep_ledger.hpp>

namespace switchboard {
namespace {

using role = sleep_ledger::role;

TEST(SleepLedger, LoneThreadKeepsTimeAndNeverWatches) {
  sleep_ledger ledger;
  EXPECT_EQ(ledger.fall_asleep(1, true), role::keeper);
}

TEST(SleepLedger, SleeperWatchesWhileOthersRun) {
  sleep_ledger ledger;
  EXPECT_EQ(ledger.fall_asleep(3, false), role::watch);
  EXPECT_EQ(ledger.fall_asleep(3, false), role::sleeper);
}

TEST(SleepLedger, LastToSleepKeepsTimeWhenNobodyWatches) {
  sleep_ledger ledger;
  ASSERT_EQ(ledger.fall_asleep(2, false), role::watch);
  ledger.wake_up(role::watch, 0);
  ASSERT_EQ(ledger.fall_asleep(2, false), role::watch);
  EXPECT_EQ(ledger.fall_asleep(2, false), role::sleeper);
  ledger.wake_up(role::watch, 0);
  EXPECT_EQ(ledger.fall_asleep(2, false), role::keeper);
}

TEST(SleepLedger, WhoHasWorkedIsTheSecondWatch) {
  sleep_ledger ledger;
  EXPECT_EQ(ledger.fall_asleep(4, true), role::watch);
  EXPECT_EQ(ledger.fall_asleep(4, true), role::watch);
  EXPECT_EQ(ledger.fall_asleep(4, true), role::sleeper);
}

TEST(SleepLedger, NobodyIsWokenWhileNobodySleeps) {
  sleep_ledger ledger;
  EXPECT_FALSE(ledger.claim_wake());
  EXPECT_FALSE(ledger.claim_watch());
}

TEST(SleepLedger, BurstClaimsOneWake) {
  sleep_ledger ledger;
  ledger.fall_asleep(2, false);
  ledger.fall_asleep(2, false);
  EXPECT_TRUE(ledger.claim_wake());
  EXPECT_FALSE(ledger.claim_wake());
  EXPECT_FALSE(ledger.claim_watch());
}

TEST(SleepLedger, TakenWakeMakesRoomForTheNext) {
  sleep_ledger ledger;
  const auto first = ledger.fall_asleep(2, false);
  ledger.fall_asleep(2, false);
  ASSERT_TRUE(ledger.claim_wake());
  ledger.wake_up(first, 1);
  EXPECT_TRUE(ledger.claim_wake());
}

TEST(SleepLedger, WakeTakenByABusyThreadMakesRoomToo) {
  sleep_ledger ledger;
  ledger.fall_asleep(2, false);
  ASSERT_TRUE(ledger.claim_wake());
  ledger.taken(1);
  EXPECT_TRUE(ledger.claim_wake());
}

TEST(SleepLedger, NobodyIsWokenToWatchWhileSomebodyDoes) {
  sleep_ledger ledger;
  ASSERT_EQ(ledger.fall_asleep(3, false), role::watch);
  EXPECT_FALSE(ledger.claim_watch());
  ASSERT_EQ(ledger.fall_asleep(3, false), role::sleeper);
  ledger.wake_up(role::watch, 0);
  EXPECT_TRUE(ledger.claim_watch());
}

}  // namespace
}  // namespace switchboard
