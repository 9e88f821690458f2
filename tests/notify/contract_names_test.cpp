#include "notification_port_contract.hpp"

/// What this port adds to Winsock's contract: registrations by name, and posts that wait as REMOVE events do.

namespace switchboard::notify {
namespace {

TEST_P(NotificationPortNames, AddArmsAtOnceAndForOnePacket) {
  const auto pair = make_link();
  EXPECT_NE(add(*pair.near, 1, interest::out), registration_id::none);
  EXPECT_EQ(next(port(), 0s), packet_of(1, event::out));
  EXPECT_TRUE(is_quiet(port()));
}

TEST_P(NotificationPortNames, AddFailsAsEnableDoes) {
  const auto pair = make_link();
  const auto other = make_port();
  auto name = registration_id::none;
  ASSERT_EQ(port().add(net::socket_handle::invalid, 1, interest::in, name), errc::not_a_socket);
  EXPECT_EQ(name, registration_id::none);
  const auto given = add(*pair.near, 1, interest::in);
  EXPECT_EQ(port().add(pair.near->handle(), 2, interest::in, name), errc::key_mismatch);
  EXPECT_EQ(other->add(pair.near->handle(), 1, interest::in, name), errc::registered_elsewhere);
  EXPECT_EQ(name, registration_id::none);
  EXPECT_FALSE(port().add(pair.near->handle(), 1, interest::out, name)) << "again, with the same key";
  EXPECT_EQ(name, given);
}

TEST_P(NotificationPortNames, RearmArmsAFiredRegistrationAtOnce) {
  const auto pair = make_link();
  const auto name = add(*pair.near, 1, interest::out);
  for (int round = 0; round < 3; ++round) {
    ASSERT_EQ(next(port()), packet_of(1, event::out));
    ASSERT_FALSE(port().rearm(name, interest::out));
  }
  EXPECT_EQ(next(port(), 0s), packet_of(1, event::out));
}

TEST_P(NotificationPortNames, RearmOverwritesTheFilter) {
  const auto pair = make_link();
  const auto name = add(*pair.near, 1, interest::in);
  ASSERT_FALSE(port().rearm(name, interest::out));
  EXPECT_EQ(next(port()), packet_of(1, event::out));
  ASSERT_FALSE(port().rearm(name, interest::in));
  EXPECT_TRUE(is_quiet(port()));
  send(*pair.far, "x");
  EXPECT_EQ(next(port()), packet_of(1, event::in));
}

TEST_P(NotificationPortNames, RearmArmsADisabledRegistration) {
  const auto pair = make_link();
  const auto name = add(*pair.near, 1, interest::out);
  ASSERT_FALSE(port().apply(disable(*pair.near)));
  EXPECT_TRUE(is_quiet(port()));
  ASSERT_FALSE(port().rearm(name, interest::out));
  EXPECT_EQ(next(port()), packet_of(1, event::out));
}

TEST_P(NotificationPortNames, RearmBeforeAWaitHoldsInThatWait) {
  const auto pair = make_link();
  const auto name = add(*pair.near, 1, interest::out);
  for (int round = 0; round < 3; ++round) {
    ASSERT_EQ(next(port()), packet_of(1, event::out));
    ASSERT_FALSE(port().rearm(name, interest::out, hint::wait_follows));
  }
}

TEST_P(NotificationPortNames, RearmBeforeAWaitHoldsInAnotherThreadsWaitToo) {
  const auto pair = make_link();
  const auto name = add(*pair.near, 1, interest::out);
  ASSERT_EQ(next(port()), packet_of(1, event::out));
  ASSERT_FALSE(port().rearm(name, interest::out, hint::wait_follows));
  std::thread([&] { EXPECT_EQ(next(port()), packet_of(1, event::out)); }).join();
}

TEST_P(NotificationPortNames, RearmBeforeAWaitEndsWithARemovalBehindIt) {
  const auto pair = make_link();
  const auto name = add(*pair.near, 1, interest::out);
  ASSERT_EQ(next(port()), packet_of(1, event::out));
  ASSERT_FALSE(port().rearm(name, interest::out, hint::wait_follows));
  ASSERT_FALSE(port().remove(name));
  EXPECT_EQ(next(port()), packet_of(1, event::remove));
  EXPECT_TRUE(is_quiet(port()));
}

TEST_P(NotificationPortNames, RearmMaySayThatTheSocketIsDrained) {
  const auto pair = make_link();
  const auto name = add(*pair.near, 1, interest::in);
  for (int round = 0; round < 10; ++round) {
    send(*pair.far, "x");
    ASSERT_EQ(next(port()), packet_of(1, event::in)) << round;
    ASSERT_EQ(read_once(*pair.near), "x");
    if (round % 2 == 0) send(*pair.far, "between");
    ASSERT_FALSE(port().rearm(name, interest::in, hint::drained | hint::wait_follows));
    if (round % 2 == 0) {
      ASSERT_EQ(next(port()), packet_of(1, event::in)) << round;
      ASSERT_EQ(read_once(*pair.near), "between");
      ASSERT_FALSE(port().rearm(name, interest::in, hint::drained));
    }
  }
  EXPECT_TRUE(is_quiet(port()));
}

TEST_P(NotificationPortNames, RemoveGivesOneEvent) {
  const auto pair = make_link();
  const auto name = add(*pair.near, 1, interest::out);
  ASSERT_FALSE(port().remove(name));
  EXPECT_EQ(port().remove(name), errc::removing);
  EXPECT_EQ(port().rearm(name, interest::out), errc::removing);
  EXPECT_EQ(next(port()), packet_of(1, event::remove));
  EXPECT_TRUE(is_quiet(port()));
}

TEST_P(NotificationPortNames, AreOfOneRegistrationNotOfItsSocket) {
  const auto pair = make_link();
  const auto old = add(*pair.near, 1, interest::in);
  ASSERT_FALSE(port().remove(old));
  ASSERT_EQ(next(port()), packet_of(1, event::remove));
  EXPECT_EQ(port().rearm(old, interest::out), errc::not_registered);
  const auto fresh = add(*pair.near, 2, interest::in);
  EXPECT_NE(fresh, old);
  EXPECT_EQ(port().rearm(old, interest::out), errc::not_registered);
  EXPECT_EQ(port().remove(old), errc::not_registered);
  EXPECT_TRUE(is_quiet(port()));
  send(*pair.far, "x");
  EXPECT_EQ(next(port()), packet_of(2, event::in));
}

TEST_P(NotificationPortNames, OfAClosedSocketNameNothing) {
  auto pair = make_link();
  const auto name = add(*pair.near, 1, interest::in);
  pair.near.reset();
  EXPECT_EQ(port().remove(name), errc::not_registered);
  EXPECT_EQ(port().rearm(name, interest::in), errc::not_registered);
  EXPECT_TRUE(is_quiet(port()));
}

TEST_P(NotificationPortNames, AreOfOnePort) {
  const auto pair = make_link();
  const auto other = make_port();
  const auto name = add(*pair.near, 1, interest::in);
  EXPECT_EQ(other->rearm(name, interest::out), errc::not_registered);
  EXPECT_EQ(other->remove(name), errc::not_registered);
  EXPECT_TRUE(is_quiet(port()));
}

TEST_P(NotificationPortNames, OfNothingNameNothing) {
  for (const auto name : {registration_id::none, make_registration_id(0, 0), make_registration_id(5'000, 1)}) {
    EXPECT_EQ(port().rearm(name, interest::in), errc::not_registered);
    EXPECT_EQ(port().remove(name), errc::not_registered);
  }
}

/// A context that learns its registration's name from add() is read by the thread that takes its first packet.
TEST_P(NotificationPortNames, AreWrittenBeforeAPacketComes) {
  struct context {
    registration_id name = registration_id::none;
  };
  constexpr int rounds = 500;
  // One a round, as a broken port may deliver a packet after the last.
  std::vector<context> contexts(rounds);
  const auto pair = make_link();
  std::atomic<int> unnamed = 0;
  std::atomic<int> gone = 0;
  const waiter drainer([&] {
    std::array<packet, 4> out;
    for (;;) {
      const auto count = port().wait(out, notification_port::infinite);
      ASSERT_TRUE(count.has_value());
      for (const auto& each : std::span(out).first(*count)) {
        if (each.key == 0) return;
        const auto& of = *reinterpret_cast<const context*>(static_cast<std::uintptr_t>(each.key));
        if (of.name == registration_id::none) ++unnamed;
        if (has(each.events(), event::remove)) {
          ++gone;
        } else {
          EXPECT_FALSE(port().remove(of.name));
        }
      }
    }
  });
  for (int round = 1; round <= rounds; ++round) {
    auto& of = contexts[static_cast<std::size_t>(round - 1)];
    ASSERT_FALSE(port().add(pair.near->handle(), reinterpret_cast<std::uintptr_t>(&of), interest::out, of.name));
    ASSERT_TRUE(eventually([&] { return gone == round; })) << round;
  }
  EXPECT_FALSE(port().post(0, 0));
  EXPECT_EQ(unnamed, 0);
}

TEST_P(NotificationPortNames, PostAfterBatchesWaitsForABatchTakenBefore) {
  ASSERT_FALSE(port().post(7, 0));
  holder other(port());
  ASSERT_TRUE(other.has_taken());
  ASSERT_FALSE(port().post_after_batches(8, 9));
  EXPECT_TRUE(is_quiet(port()));
  other.join();
  EXPECT_EQ(next(port()), (packet{8, 9}));
}

TEST_P(NotificationPortNames, PostAfterBatchesComesAtOnceWhereNoBatchIsHeld) {
  ASSERT_FALSE(port().post_after_batches(8, 9));
  EXPECT_EQ(next(port(), 0s), (packet{8, 9}));
}

TEST_P(NotificationPortNames, PostAfterBatchesWakesASleeper) {
  const waiter sleeper([&] { EXPECT_EQ(next(port(), notification_port::infinite), (packet{8, 9})); });
  EXPECT_TRUE(sleeper.is_asleep());
  ASSERT_FALSE(port().post_after_batches(8, 9));
}

}  // namespace
}  // namespace switchboard::notify
