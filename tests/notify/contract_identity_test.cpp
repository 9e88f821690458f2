#include "notification_port_contract.hpp"

/// Rules N1 to N6: what a port is and which socket it has.

namespace switchboard::notify {
namespace {

TEST_P(NotificationPortContract, N1NewPortIsEmpty) {
  EXPECT_EQ(next(port(), 0s), std::nullopt);
  EXPECT_TRUE(is_quiet(port()));
}

TEST_P(NotificationPortContract, N2HandleOfNothingFailsInItsOwnResult) {
  std::array requests{arm(net::socket_handle::invalid, 1, interest::in),
                      arm(static_cast<net::socket_handle>(std::intptr_t{1} << 30), 2, interest::in)};
  EXPECT_TRUE(port().process(requests, {}, 0s).has_value());
  for (const auto& each : requests) EXPECT_EQ(each.result, errc::not_a_socket) << "key " << each.key;
  EXPECT_TRUE(is_quiet(port()));
}

TEST_P(NotificationPortContract, N3SecondPortIsRefusedTheSocketOfTheFirst) {
  const auto other = make_port();
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
  EXPECT_EQ(other->apply(arm(*pair.near, 1, interest::in)), errc::registered_elsewhere);
  EXPECT_EQ(other->apply(arm(*pair.near, 2, interest::in)), errc::registered_elsewhere);
  EXPECT_EQ(other->apply(remove(*pair.near)), errc::not_registered);
  send(*pair.far, "x");
  EXPECT_EQ(next(port()), packet_of(1, event::in));
  EXPECT_TRUE(is_quiet(*other));
}

TEST_P(NotificationPortContract, N3DisabledSocketStillBelongsToItsPort) {
  const auto other = make_port();
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
  ASSERT_FALSE(port().apply(disable(*pair.near)));
  EXPECT_EQ(other->apply(arm(*pair.near, 1, interest::in)), errc::registered_elsewhere);
}

TEST_P(NotificationPortContract, N3SocketMayMoveOnceItsRemoveEventCame) {
  const auto other = make_port();
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
  ASSERT_FALSE(port().apply(remove(*pair.near)));
  EXPECT_TRUE(other->apply(arm(*pair.near, 9, interest::out)));
  ASSERT_EQ(next(port()), packet_of(1, event::remove));
  EXPECT_FALSE(other->apply(arm(*pair.near, 9, interest::out)));
  EXPECT_EQ(next(*other), packet_of(9, event::out));
}

TEST_P(NotificationPortContract, N4EnableAgainOverwritesTheFilter) {
  const auto pair = make_link();
  send(*pair.far, "x");
  await_readable(*pair.near);
  std::array requests{arm(*pair.near, 1, interest::in), arm(*pair.near, 1, interest::out)};
  ASSERT_TRUE(port().process(requests, {}, 0s).has_value());
  EXPECT_EQ(next(port()), packet_of(1, event::out));
  EXPECT_TRUE(is_quiet(port()));
}

TEST_P(NotificationPortContract, N4EnableAgainOverwritesTheTrigger) {
  const auto pair = make_link();
  std::array requests{arm(*pair.near, 1, interest::out, trigger::level | trigger::persistent),
                      arm(*pair.near, 1, interest::out)};
  ASSERT_TRUE(port().process(requests, {}, 0s).has_value());
  EXPECT_EQ(next(port()), packet_of(1, event::out));
  EXPECT_TRUE(is_quiet(port()));
}

TEST_P(NotificationPortContract, N5AnotherKeyIsRefusedInEveryState) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::out)));
  EXPECT_EQ(port().apply(arm(*pair.near, 2, interest::out)), errc::key_mismatch) << "armed";
  ASSERT_EQ(next(port()), packet_of(1, event::out));
  EXPECT_EQ(port().apply(arm(*pair.near, 2, interest::out)), errc::key_mismatch) << "fired";
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
  ASSERT_FALSE(port().apply(disable(*pair.near)));
  EXPECT_EQ(port().apply(arm(*pair.near, 2, interest::out)), errc::key_mismatch) << "disabled";
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::out)));
  EXPECT_EQ(next(port()), packet_of(1, event::out));
}

TEST_P(NotificationPortContract, N5RefusedKeyLeavesTheArmAsItWas) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
  ASSERT_EQ(port().apply(arm(*pair.near, 2, interest::out)), errc::key_mismatch);
  send(*pair.far, "x");
  EXPECT_EQ(next(port()), packet_of(1, event::in));
}

TEST_P(NotificationPortContract, N5KeyChangesByRemoveItsEventAndEnable) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::out)));
  ASSERT_FALSE(port().apply(remove(*pair.near)));
  ASSERT_EQ(next(port()), packet_of(1, event::remove));
  ASSERT_FALSE(port().apply(arm(*pair.near, 2, interest::out)));
  EXPECT_EQ(next(port()), packet_of(2, event::out));
}

TEST_P(NotificationPortContract, N6OneshotOutDeliveryDisarmsInAsWell) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in | interest::out)));
  ASSERT_EQ(next(port()), packet_of(1, event::out));
  send(*pair.far, "x");
  await_readable(*pair.near);
  EXPECT_TRUE(is_quiet(port()));
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in | interest::out)));
  EXPECT_EQ(next(port()), packet_of(1, event::in | event::out));
}

}  // namespace
}  // namespace switchboard::notify
