/// The classes that a simulated world is made of.

#include <string>

#include <gtest/gtest.h>

#include <switchboard/error/errc.hpp>
#include <switchboard/simulated/address_table.hpp>
#include <switchboard/simulated/fault_injector.hpp>
#include <switchboard/simulated/socket_table.hpp>
#include <switchboard/simulated/virtual_clock.hpp>

namespace switchboard::simulated {
namespace {

using namespace std::chrono_literals;

TEST(VirtualClock, StandsStillUntilItIsMoved) {
  virtual_clock clock;
  const auto before = clock.now();
  EXPECT_EQ(clock.now(), before);
  clock.advance_to(before + 5ms);
  EXPECT_EQ(clock.now(), before + 5ms);
}

TEST(VirtualClock, NeverGoesBack) {
  virtual_clock clock;
  const auto before = clock.now();
  clock.advance_to(before - 5ms);
  EXPECT_EQ(clock.now(), before);
}

TEST(VirtualClock, RunsEventsByTimeThenOrderThenAsScheduled) {
  virtual_clock clock;
  const auto start = clock.now();
  std::string run;
  clock.schedule(start + 2ms, 0, [&] { run += 'e'; });
  clock.schedule(start + 1ms, 7, [&] { run += 'd'; });
  clock.schedule(start + 1ms, 3, [&] { run += 'b'; });
  clock.schedule(start + 1ms, 3, [&] { run += 'c'; });
  clock.schedule(start, 9, [&] { run += 'a'; });
  EXPECT_EQ(clock.next_event(), start);
  clock.advance_to(start + 1ms);
  EXPECT_EQ(run, "abcd");
  EXPECT_EQ(clock.next_event(), start + 2ms);
  clock.advance_to(start + 2ms);
  EXPECT_EQ(run, "abcde");
  EXPECT_FALSE(clock.next_event());
}

TEST(VirtualClock, RunsEventsThatEventsSchedule) {
  virtual_clock clock;
  const auto start = clock.now();
  bool has_run = false;
  clock.schedule(start + 1ms, 0,
                 [&] { clock.schedule(clock.now() + 1ms, 0, [&] { has_run = clock.now() == start + 2ms; }); });
  clock.advance_to(start + 3ms);
  EXPECT_TRUE(has_run);
}

TEST(SocketTable, GivesOutTheLowestFreeNumber) {
  socket_table table;
  const auto first = table.add(socket_kind::stream).name;
  const auto second = table.add(socket_kind::stream).name;
  EXPECT_EQ(static_cast<int>(first.handle), 3);
  EXPECT_EQ(static_cast<int>(second.handle), 4);
  (void)table.remove(*table.find(first));
  EXPECT_EQ(table.add(socket_kind::stream).name.handle, first.handle);
  EXPECT_EQ(table.size(), 2u);
}

TEST(SocketTable, FindsNoOtherSocketUnderAnOldName) {
  socket_table table;
  const auto old = table.add(socket_kind::stream).name;
  (void)table.remove(*table.find(old));
  EXPECT_EQ(table.find(old), nullptr);
  const auto& next = table.add(socket_kind::stream);
  EXPECT_EQ(next.name.handle, old.handle);
  EXPECT_EQ(table.find(old), nullptr);
  EXPECT_EQ(table.find(old.handle), &next);
}

TEST(AddressTable, GivesAnAddressToOneSocketOfAKind) {
  address_table table;
  socket_table sockets;
  const auto where = net::endpoint::tcp("127.0.0.1", 80);
  auto& listener = sockets.add(socket_kind::listener);
  EXPECT_FALSE(table.bind(listener, where));
  EXPECT_EQ(table.bind(sockets.add(socket_kind::listener), where), errc::address_in_use);
  EXPECT_FALSE(table.bind(sockets.add(socket_kind::datagram), where));
  EXPECT_EQ(table.find(socket_kind::listener, where.to_string()).identity, listener.name.identity);
}

TEST(AddressTable, ChoosesAPortWhereNoneIsGiven) {
  address_table table;
  socket_table sockets;
  auto& one = sockets.add(socket_kind::listener);
  auto& other = sockets.add(socket_kind::listener);
  EXPECT_FALSE(table.bind(one, net::endpoint::tcp("127.0.0.1", 0)));
  EXPECT_FALSE(table.bind(other, net::endpoint::tcp("127.0.0.1", 0)));
  EXPECT_NE(one.local.port(), 0);
  EXPECT_NE(one.local.port(), other.local.port());
}

TEST(AddressTable, FreesAnAddressForTheSocketThatHasItOnly) {
  address_table table;
  socket_table sockets;
  const auto where = net::endpoint::tcp("127.0.0.1", 80);
  auto& holder = sockets.add(socket_kind::listener);
  auto& refused = sockets.add(socket_kind::listener);
  ASSERT_FALSE(table.bind(holder, where));
  refused.local = where;
  table.release(refused);
  EXPECT_EQ(table.find(socket_kind::listener, where.to_string()).identity, holder.name.identity);
  table.release(holder);
  EXPECT_FALSE(table.bind(refused, where));
}

TEST(FaultInjector, FailsATransientAttemptAtMostTwiceInARow) {
  fault_injector faults(1);
  faults.conditions().call_failure = 1000;
  EXPECT_TRUE(faults.fails(attempt::call));
  EXPECT_TRUE(faults.fails(attempt::call));
  EXPECT_FALSE(faults.fails(attempt::call));
  EXPECT_TRUE(faults.fails(attempt::call));
  EXPECT_FALSE(faults.fails(attempt::accept));
}

TEST(FaultInjector, LosesTheReArmThatWasChosen) {
  fault_injector faults(1);
  EXPECT_FALSE(faults.loses_rearm());
  faults.lose_rearm(1);
  EXPECT_FALSE(faults.loses_rearm());
  EXPECT_TRUE(faults.loses_rearm());
  EXPECT_FALSE(faults.loses_rearm());
  EXPECT_EQ(faults.rearms(), 4u);
}

TEST(FaultInjector, LosesEverySecondEdgeWhereThatRuleIsBroken) {
  fault_injector faults(1);
  EXPECT_FALSE(faults.loses_edge());
  EXPECT_FALSE(faults.loses_edge());
  faults.break_rule(fault::edge_is_lost);
  const bool first = faults.loses_edge();
  EXPECT_NE(faults.loses_edge(), first);
}

}  // namespace
}  // namespace switchboard::simulated
