#include "notification_port_contract.hpp"

#include <cerrno>

/// Rules N7 to N17: what requests do and how they report.

namespace switchboard::notify {
namespace {

constexpr auto level_persistent = trigger::level | trigger::persistent;

TEST_P(NotificationPortContract, N7CombinedOperationsAreRejected) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
  for (const auto combined : {operation::enable | operation::disable, operation::enable | operation::remove,
                              operation::disable | operation::remove, static_cast<operation>(8)}) {
    auto wanted = arm(*pair.near, 1, interest::out);
    wanted.op = combined;
    EXPECT_EQ(port().apply(wanted), errc::invalid_request) << static_cast<int>(combined);
  }
  send(*pair.far, "x");
  EXPECT_EQ(next(port()), packet_of(1, event::in));
}

TEST_P(NotificationPortContract, N7NoneChangesNothing) {
  const auto pair = make_link();
  auto nothing = arm(*pair.near, 1, interest::out);
  nothing.op = operation::none;
  EXPECT_FALSE(port().apply(nothing));
  EXPECT_EQ(port().apply(remove(*pair.near)), errc::not_registered);
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
  EXPECT_FALSE(port().apply(nothing));
  EXPECT_TRUE(is_quiet(port()));
  send(*pair.far, "x");
  EXPECT_EQ(next(port()), packet_of(1, event::in));
}

TEST_P(NotificationPortContract, N8EnableArmsANewRegistrationAtOnce) {
  const auto pair = make_link();
  send(*pair.far, "x");
  await_readable(*pair.near);
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
  EXPECT_EQ(next(port(), 0s), packet_of(1, event::in));
}

TEST_P(NotificationPortContract, N8EnableArmsAFiredRegistrationAtOnce) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::out)));
  ASSERT_EQ(next(port()), packet_of(1, event::out));
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::out)));
  EXPECT_EQ(next(port(), 0s), packet_of(1, event::out));
}

TEST_P(NotificationPortContract, N8EnableArmsADisabledRegistrationAtOnceAndNoEventTellsOfDisabling) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
  ASSERT_FALSE(port().apply(disable(*pair.near)));
  EXPECT_TRUE(is_quiet(port()));
  send(*pair.far, "x");
  await_readable(*pair.near);
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
  EXPECT_EQ(next(port(), 0s), packet_of(1, event::in));
}

TEST_P(NotificationPortContract, N9NothingIsQueuedWhileDisabled) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in, level_persistent)));
  ASSERT_FALSE(port().apply(disable(*pair.near)));
  send(*pair.far, "x");
  await_readable(*pair.near);
  EXPECT_TRUE(is_quiet(port()));
}

TEST_P(NotificationPortContract, N9NothingIsRememberedOfTheTimeDisabled) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
  ASSERT_FALSE(port().apply(disable(*pair.near)));
  send(*pair.far, "x");
  await_readable(*pair.near);
  EXPECT_EQ(drain(*pair.near), "x");
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
  EXPECT_TRUE(is_quiet(port()));
}

TEST_P(NotificationPortContract, N9DisabledIsSilentEvenForWhatComesUnasked) {
  auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::all, level_persistent)));
  ASSERT_FALSE(port().apply(disable(*pair.near)));
  reset(pair);
  EXPECT_TRUE(is_quiet(port()));
}

TEST_P(NotificationPortContract, N9DisableSilencesAConditionAlreadyTrue) {
  const auto pair = make_link();
  std::array requests{arm(*pair.near, 1, interest::out, level_persistent), disable(*pair.near)};
  ASSERT_TRUE(port().process(requests, {}, 0s).has_value());
  EXPECT_TRUE(is_quiet(port()));
}

TEST_P(NotificationPortContract, N9DisableOfAFiredRegistrationKeepsItsKey) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::out)));
  ASSERT_TRUE(next(port()));
  EXPECT_FALSE(port().apply(disable(*pair.near)));
  EXPECT_FALSE(port().apply(disable(*pair.near))) << "again";
  EXPECT_TRUE(is_quiet(port()));
  EXPECT_EQ(port().apply(arm(*pair.near, 2, interest::out)), errc::key_mismatch);
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::out)));
  EXPECT_EQ(next(port()), packet_of(1, event::out));
}

TEST_P(NotificationPortContract, N10RemoveOfAnArmedRegistrationGivesOneEvent) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
  ASSERT_FALSE(port().apply(remove(*pair.near)));
  EXPECT_EQ(next(port()), packet_of(1, event::remove));
  EXPECT_TRUE(is_quiet(port()));
}

TEST_P(NotificationPortContract, N10RemoveOfADisabledRegistrationGivesOneEvent) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::out)));
  ASSERT_FALSE(port().apply(disable(*pair.near)));
  ASSERT_FALSE(port().apply(remove(*pair.near)));
  EXPECT_EQ(next(port()), packet_of(1, event::remove));
  EXPECT_TRUE(is_quiet(port()));
}

TEST_P(NotificationPortContract, N10RemoveOfAFiredRegistrationGivesOneEvent) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::out)));
  ASSERT_EQ(next(port()), packet_of(1, event::out));
  ASSERT_FALSE(port().apply(remove(*pair.near)));
  EXPECT_EQ(next(port()), packet_of(1, event::remove));
  EXPECT_TRUE(is_quiet(port()));
}

TEST_P(NotificationPortContract, N10RemoveInTheCallThatWaitsGivesItsEventThere) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
  std::array requests{remove(*pair.near)};
  std::array<packet, 4> out;
  const auto count = port().process(requests, out, patience);
  ASSERT_TRUE(count.has_value());
  ASSERT_EQ(*count, 1U);
  EXPECT_EQ(out[0], packet_of(1, event::remove));
  EXPECT_TRUE(is_quiet(port()));
}

TEST_P(NotificationPortContract, N11OperationsWithoutARegistrationFailWithoutAnEvent) {
  const auto pair = make_link();
  EXPECT_EQ(port().apply(remove(*pair.near)), errc::not_registered);
  EXPECT_EQ(port().apply(disable(*pair.near)), errc::not_registered);
  EXPECT_TRUE(is_quiet(port()));
}

TEST_P(NotificationPortContract, N11RemoveAfterItsEventFails) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
  ASSERT_FALSE(port().apply(remove(*pair.near)));
  ASSERT_EQ(next(port()), packet_of(1, event::remove));
  EXPECT_EQ(port().apply(remove(*pair.near)), errc::not_registered);
  EXPECT_TRUE(is_quiet(port()));
}

TEST_P(NotificationPortContract, N11EverythingFailsWhileRemoveIsPending) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::out)));
  ASSERT_FALSE(port().apply(remove(*pair.near)));
  EXPECT_EQ(port().apply(arm(*pair.near, 1, interest::out)), errc::removing);
  EXPECT_EQ(port().apply(arm(*pair.near, 2, interest::out)), errc::removing);
  EXPECT_EQ(port().apply(disable(*pair.near)), errc::removing);
  EXPECT_EQ(port().apply(remove(*pair.near)), errc::removing);
  EXPECT_EQ(next(port()), packet_of(1, event::remove));
  EXPECT_TRUE(is_quiet(port()));
}

TEST_P(NotificationPortContract, N12CallFailureChangesNothing) {
  const auto pair = make_link();
  std::array requests{arm(*pair.near, 1, interest::out)};
  const auto untouched = std::make_error_code(std::errc::owner_dead);
  requests[0].result = untouched;
  EXPECT_EQ(port().process(requests, {}, 1ms).error(), errc::invalid_request);
  std::array<packet, 1> out;
  EXPECT_EQ(port().process(requests, out, -1ns).error(), errc::invalid_request);
  EXPECT_EQ(requests[0].result, untouched);
  EXPECT_EQ(port().apply(remove(*pair.near)), errc::not_registered);
  EXPECT_TRUE(is_quiet(port()));
}

TEST_P(NotificationPortContract, N12ResultsAreWrittenOnSuccess) {
  const auto pair = make_link();
  std::array requests{arm(*pair.near, 1, interest::out), arm(*pair.near, 2, interest::out)};
  requests[0].result = std::make_error_code(std::errc::owner_dead);
  std::array<packet, 4> out;
  const auto count = port().process(requests, out, patience);
  ASSERT_TRUE(count.has_value());
  EXPECT_EQ(*count, 1U);
  EXPECT_FALSE(requests[0].result);
  EXPECT_EQ(requests[1].result, errc::key_mismatch);
}

TEST_P(NotificationPortContract, N12ResultsAreWrittenOnTimeout) {
  const auto pair = make_link();
  std::array requests{remove(*pair.near), arm(*pair.near, 1, interest::in)};
  requests[1].result = std::make_error_code(std::errc::owner_dead);
  std::array<packet, 4> out;
  const auto count = port().process(requests, out, 1ms);
  ASSERT_TRUE(count.has_value());
  EXPECT_EQ(*count, 0U);
  EXPECT_EQ(requests[0].result, errc::not_registered);
  EXPECT_FALSE(requests[1].result);
}

TEST_P(NotificationPortContract, N13OneBadRequestDoesNotSpoilItsNeighbours) {
  const auto first = make_link();
  const auto second = make_link();
  std::array requests{arm(*first.near, 1, interest::out), arm(net::socket_handle::invalid, 9, interest::out),
                      arm(*second.near, 2, interest::out)};
  ASSERT_TRUE(port().process(requests, {}, 0s).has_value());
  EXPECT_FALSE(requests[0].result);
  EXPECT_EQ(requests[1].result, errc::not_a_socket);
  EXPECT_FALSE(requests[2].result);
  const auto packets = take(port());
  ASSERT_EQ(packets.size(), 2U);
  EXPECT_EQ(packets[0].key + packets[1].key, 3U);
}

TEST_P(NotificationPortContract, N14LeftoverErrorOfTheThreadIsNotConsulted) {
  const auto pair = make_link();
  errno = EBADF;
  EXPECT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
  errno = EINTR;
  std::array<packet, 1> out;
  const auto count = port().wait(out, 0s);
  EXPECT_TRUE(count.has_value());
  errno = 0;
  EXPECT_EQ(port().apply(arm(*pair.near, 2, interest::in)), errc::key_mismatch);
}

TEST_P(NotificationPortContract, N15OldRegistrationIsLiveAfterACallFailed) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
  std::array requests{remove(*pair.near)};
  ASSERT_FALSE(port().process(requests, {}, 1ms).has_value());
  send(*pair.far, "x");
  EXPECT_EQ(next(port()), packet_of(1, event::in));
}

TEST_P(NotificationPortContract, N16FailedRearmLeavesTheCallerTheOnlyOne) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::out)));
  ASSERT_EQ(next(port()), packet_of(1, event::out));
  EXPECT_TRUE(port().apply(arm(*pair.near, 1, interest::out, trigger::oneshot)));
  EXPECT_TRUE(is_quiet(port())) << "no other thread may be given the context";
  EXPECT_FALSE(port().apply(arm(*pair.near, 1, interest::out)));
  EXPECT_EQ(next(port()), packet_of(1, event::out));
}

TEST_P(NotificationPortContract, N17BadArgumentsFailEveryTime) {
  std::array<request, 1> requests{};
  for (int attempt = 0; attempt < 3; ++attempt)
    EXPECT_EQ(port().process(requests, {}, 1ms).error(), errc::invalid_request);
}

}  // namespace
}  // namespace switchboard::notify
