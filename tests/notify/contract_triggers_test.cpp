#include "notification_port_contract.hpp"

#include <atomic>

/// Rules N27 to N36: when a condition becomes a packet.

namespace switchboard::notify {
namespace {

constexpr auto level_persistent = trigger::level | trigger::persistent;
constexpr auto edge_persistent = trigger::edge | trigger::persistent;
constexpr auto edge_oneshot = trigger::edge | trigger::oneshot;

TEST_P(NotificationPortContract, N27ExactlyOneOfLevelAndEdge) {
  const auto pair = make_link();
  for (const auto how : {trigger::none, trigger::oneshot, trigger::persistent, trigger::level | trigger::edge,
                         trigger::level | trigger::edge | trigger::oneshot})
    EXPECT_EQ(port().apply(arm(*pair.near, 1, interest::out, how)), errc::invalid_request) << static_cast<int>(how);
  EXPECT_TRUE(is_quiet(port()));
}

TEST_P(NotificationPortContract, N27OneshotWithPersistentIsRejected) {
  const auto pair = make_link();
  for (const auto how : {trigger::level, trigger::edge})
    EXPECT_EQ(port().apply(arm(*pair.near, 1, interest::out, how | trigger::oneshot | trigger::persistent)),
              errc::invalid_request);
}

TEST_P(NotificationPortContract, N27UnknownBitsAreRejected) {
  const auto pair = make_link();
  EXPECT_EQ(port().apply(arm(*pair.near, 1, interest::out, trigger::level | static_cast<trigger>(16))),
            errc::invalid_request);
  EXPECT_EQ(port().apply(arm(*pair.near, 1, static_cast<interest>(8))), errc::invalid_request);
}

TEST_P(NotificationPortContract, N27NeitherOneshotNorPersistentMeansPersistent) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::out, trigger::level)));
  for (int n = 0; n < 3; ++n) EXPECT_EQ(next(port()), packet_of(1, event::out));
}

TEST_P(NotificationPortContract, N28LevelTellsWhatWasTrueBeforeEnable) {
  for (const auto how : {level_oneshot, level_persistent}) {
    const auto pair = make_link();
    send(*pair.far, "x");
    await_readable(*pair.near);
    ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in, how)));
    EXPECT_EQ(next(port()), packet_of(1, event::in));
  }
}

TEST_P(NotificationPortContract, N28LevelTellsWhatBecameTrueBeforeTheWait) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
  send(*pair.far, "x");
  await_readable(*pair.near);
  EXPECT_EQ(next(port(), 0s), packet_of(1, event::in));
}

TEST_P(NotificationPortContract, N28PersistentLevelNotifiesAsLongAsItIsTrueAndNoLonger) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in, level_persistent)));
  send(*pair.far, "x");
  for (int n = 0; n < 3; ++n) EXPECT_EQ(next(port()), packet_of(1, event::in));
  EXPECT_EQ(drain(*pair.near), "x");
  EXPECT_TRUE(is_quiet(port()));
  send(*pair.far, "y");
  EXPECT_EQ(next(port()), packet_of(1, event::in));
}

TEST_P(NotificationPortWithStrictEdge, N29EdgeIsSilentWithoutAChange) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in, edge_persistent)));
  send(*pair.far, "x");
  ASSERT_EQ(next(port()), packet_of(1, event::in));
  EXPECT_TRUE(is_quiet(port())) << "the byte is still unread, but nothing changed";
}

TEST_P(NotificationPortContract, N29EdgeNotifiesTheChangeFromDrainedToReadable) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in, edge_persistent)));
  for (int n = 0; n < 3; ++n) {
    send(*pair.far, "x");
    EXPECT_EQ(next(port()), packet_of(1, event::in));
    EXPECT_EQ(drain(*pair.near), "x");
  }
}

TEST_P(NotificationPortContract, N30EdgeUserWhoDrainsMissesNothing) {
  const auto pair = make_link();
  send(*pair.far, "before");
  await_readable(*pair.near);
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in, edge_persistent)));
  auto received = drain(*pair.near);
  for (const std::string piece : {" after", " again"}) {
    const auto expected = received.size() + piece.size();
    send(*pair.far, piece);
    while (received.size() < expected && next(port())) received += drain(*pair.near);
  }
  EXPECT_EQ(received, "before after again");
}

TEST_P(NotificationPortContract, N31NoEdgeIsMissingThoughThereMayBeMore) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in, edge_persistent)));
  for (int round = 0; round < 500; ++round) {
    send(*pair.far, "x");
    std::string received;
    while (received.empty()) {
      ASSERT_TRUE(next(port())) << "round " << round;
      received = drain(*pair.near);
    }
  }
}

TEST_P(NotificationPortContract, N32OneshotIsSilentAfterDelivery) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
  send(*pair.far, "x");
  ASSERT_EQ(next(port()), packet_of(1, event::in));
  send(*pair.far, "y");
  EXPECT_TRUE(is_quiet(port()));
}

TEST_P(NotificationPortContract, N32FiredOneshotIsSilentEvenForWhatComesUnasked) {
  auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::out)));
  ASSERT_EQ(next(port()), packet_of(1, event::out));
  reset(pair);
  EXPECT_TRUE(is_quiet(port()));
}

TEST_P(NotificationPortContract, N32FiredOneshotCostsNothingWhileItsConditionHolds) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::out)));
  ASSERT_EQ(next(port()), packet_of(1, event::out));
  EXPECT_TRUE(is_quiet_without_cpu(port()));
}

TEST_P(NotificationPortContract, N32FiredOneshotIsStillRegistered) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::out)));
  ASSERT_EQ(next(port()), packet_of(1, event::out));
  EXPECT_EQ(make_port()->apply(arm(*pair.near, 1, interest::out)), errc::registered_elsewhere);
  EXPECT_FALSE(port().apply(remove(*pair.near)));
  EXPECT_EQ(next(port()), packet_of(1, event::remove));
}

TEST_P(NotificationPortContract, N33LevelOneshotRearmedWithDataLeftFiresAgain) {
  const auto pair = make_link();
  const std::string sent = "read in chunks of four bytes";
  send(*pair.far, sent);
  std::string received;
  while (received.size() < sent.size()) {
    ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
    ASSERT_EQ(next(port()), packet_of(1, event::in));
    std::array<std::byte, 4> chunk;
    const auto got = pair.near->read(chunk);
    ASSERT_EQ(got.outcome, net::io_outcome::done);
    received.append(reinterpret_cast<const char*>(chunk.data()), got.bytes);
  }
  EXPECT_EQ(received, sent);
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
  EXPECT_TRUE(is_quiet(port()));
}

TEST_P(NotificationPortContract, N34EdgeOneshotWorksForWhoDrainsAfterEveryEnable) {
  const auto pair = make_link();
  std::string received;
  std::string sent;
  for (int round = 0; round < 50; ++round) {
    send(*pair.far, "x");
    sent += 'x';
    ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in, edge_oneshot)));
    received += drain(*pair.near);
    while (received.size() < sent.size()) {
      ASSERT_TRUE(next(port())) << "round " << round;
      received += drain(*pair.near);
      ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in, edge_oneshot)));
      received += drain(*pair.near);
    }
  }
  EXPECT_EQ(received, sent);
}

TEST_P(NotificationPortContract, N34EdgeOneshotDeliversOncePerEnable) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in, edge_oneshot)));
  send(*pair.far, "x");
  ASSERT_EQ(next(port()), packet_of(1, event::in));
  EXPECT_EQ(drain(*pair.near), "x");
  send(*pair.far, "y");
  await_readable(*pair.near);
  EXPECT_TRUE(is_quiet(port()));
}

TEST_P(NotificationPortContract, N35PersistentLevelMayReachSeveralThreads) {
  const auto pair = make_link();
  send(*pair.far, "x");
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in, level_persistent)));
  holder first(port());
  ASSERT_TRUE(first.has_taken());
  EXPECT_EQ(next(port()), packet_of(1, event::in)) << "while the first still has its packet";
}

TEST_P(NotificationPortContract, N35OneshotReachesOneThreadOfMany) {
  constexpr int rounds = 100;
  constexpr int threads = 4;
  const auto pair = make_link();
  send(*pair.far, "x");
  std::atomic<int> delivered = 0;
  std::vector<std::jthread> drainers;
  for (int n = 0; n < threads; ++n)
    drainers.emplace_back([&] {
      while (const auto got = next(port(), GetParam().longest_wait))
        if (got->key == 0) {
          EXPECT_FALSE(port().post(0, 0));
          return;
        } else {
          ++delivered;
        }
    });
  for (int round = 1; round <= rounds; ++round) {
    ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
    ASSERT_TRUE(eventually([&] { return delivered == round; })) << "round " << round;
  }
  ASSERT_FALSE(port().post(0, 0));
  drainers.clear();
  EXPECT_EQ(delivered, rounds);
}

TEST_P(NotificationPortContract, N36ReadinessIsAHintAndTheReadMayFindNothing) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
  send(*pair.far, "x");
  ASSERT_EQ(next(port()), packet_of(1, event::in));
  EXPECT_EQ(drain(*pair.near), "x");
  EXPECT_EQ(outcome_of_read(*pair.near), net::io_outcome::would_block);
}

}  // namespace
}  // namespace switchboard::notify
