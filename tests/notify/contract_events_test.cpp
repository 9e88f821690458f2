#include "notification_port_contract.hpp"

#include <switchboard/net/system_sockets.hpp>

/// Rules N18 to N26: what packets report.

namespace switchboard::notify {
namespace {

constexpr auto level_persistent = trigger::level | trigger::persistent;

/// Two datagram sockets on loopback.
struct datagram_pair {
  std::unique_ptr<net::datagram_socket> near;
  std::unique_ptr<net::datagram_socket> far;
  net::endpoint near_end;
};

datagram_pair make_datagram_pair(net::network& in) {
  const auto loopback = net::endpoint::tcp("127.0.0.1", 0);
  datagram_pair pair{std::move(*in.open_datagrams(loopback)), std::move(*in.open_datagrams(loopback)), {}};
  EXPECT_FALSE(pair.near->bind(loopback));
  EXPECT_FALSE(pair.far->bind(loopback));
  pair.near_end = *pair.near->local();
  return pair;
}

TEST_P(NotificationPortContract, N18PendingConditionsMergeIntoOneMask) {
  const auto pair = make_link();
  send(*pair.far, "x");
  await_readable(*pair.near);
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::all)));
  EXPECT_EQ(next(port()), packet_of(1, event::in | event::out));
  EXPECT_TRUE(is_quiet(port()));
  EXPECT_EQ(drain(*pair.near), "x");
  ASSERT_FALSE(pair.far->shutdown_write());
  await_readable(*pair.near);
  EXPECT_TRUE(eventually([&] {
    EXPECT_FALSE(port().apply(arm(*pair.near, 1, interest::all)));
    return next(port()) == packet_of(1, event::in | event::out | event::hangup);
  }));
  EXPECT_TRUE(is_quiet(port()));
}

TEST_P(NotificationPortContract, N18RegistrationHasAtMostOnePacketWaiting) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in, level_persistent)));
  for (int n = 0; n < 10; ++n) send(*pair.far, "x");
  await_readable(*pair.near);
  EXPECT_EQ(take(port()), std::vector{packet_of(1, event::in)});
}

TEST_P(NotificationPortContract, N18RemoveDominatesWhatElseIsPending) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::all, level_persistent)));
  send(*pair.far, "x");
  await_readable(*pair.near);
  ASSERT_FALSE(port().apply(remove(*pair.near)));
  const auto packets = take(port());
  ASSERT_EQ(packets.size(), 1U);
  EXPECT_TRUE(has(packets[0].events(), event::remove));
  EXPECT_TRUE(is_quiet(port()));
}

TEST_P(NotificationPortContract, N19ErrComesUnasked) {
  auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::none)));
  reset(pair);
  EXPECT_EQ(next(port()), packet_of(1, event::err));
}

TEST_P(NotificationPortContract, N19WhatWasNotRequestedDoesNotCome) {
  const auto pair = make_link();
  send(*pair.far, "x");
  ASSERT_FALSE(pair.far->shutdown_write());
  await_readable(*pair.near);
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::out)));
  EXPECT_EQ(next(port()), packet_of(1, event::out));
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
  EXPECT_EQ(next(port()), packet_of(1, event::in));
}

TEST_P(NotificationPortExplainingResets, N20ErrIsExplainedByTheSocketOnce) {
  auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::none)));
  reset(pair);
  const auto told = next(port());
  ASSERT_TRUE(told);
  EXPECT_TRUE(has(told->events(), event::err));
  EXPECT_EQ(pair.near->pending_error(), std::errc::connection_reset);
  EXPECT_FALSE(pair.near->pending_error());
}

TEST_P(NotificationPortContract, N21HangupTellsOfDisconnection) {
  auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::hangup)));
  EXPECT_TRUE(is_quiet(port()));
  pair.far.reset();
  EXPECT_EQ(next(port()), packet_of(1, event::hangup));
}

TEST_P(NotificationPortContract, N21AbortShowsHangupOrErr) {
  auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::hangup)));
  reset(pair);
  const auto told = next(port());
  ASSERT_TRUE(told);
  EXPECT_TRUE(has(told->events(), event::hangup | event::err));
}

TEST_P(NotificationPortOnSystemSockets, N21StreamNeverConnectedIsNotDisconnected) {
  const auto socket = net::open_socket(AF_INET, SOCK_STREAM);
  for (const auto how : {level_oneshot, level_persistent}) {
    ASSERT_FALSE(port().apply(arm(socket.handle(), 1, interest::in | interest::hangup, how)));
    EXPECT_TRUE(is_quiet_without_cpu(port()));
  }
}

TEST_P(NotificationPortOnSystemSockets, N21RegistrationMadeBeforeConnectingServesTheConnection) {
  for (const auto how : {level_oneshot, level_persistent}) {
    const auto listener = listen();
    const auto socket = net::open_socket(AF_INET, SOCK_STREAM);
    ASSERT_FALSE(port().apply(arm(socket.handle(), 1, interest::in | interest::hangup, how)));
    ASSERT_TRUE(is_quiet(port()));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(listener->local().port());
    static_cast<void>(::connect(socket.get(), reinterpret_cast<sockaddr*>(&to), sizeof to));
    ASSERT_TRUE(GetParam().await_readable(listener->handle()));
    const auto far = std::move(*listener->accept());
    ASSERT_TRUE(far);
    ASSERT_TRUE(is_quiet(port()));
    send(*far, "x");
    EXPECT_EQ(next(port()), packet_of(1, event::in));
    if (how == level_persistent) {
      EXPECT_EQ(next(port()), packet_of(1, event::in)) << "the level is still true";
    } else {
      EXPECT_TRUE(is_quiet(port()));
    }
    ASSERT_FALSE(port().apply(arm(socket.handle(), 1, interest::in, level_oneshot)));
    EXPECT_EQ(next(port()), packet_of(1, event::in)) << "armed again";
    ASSERT_FALSE(port().apply({.socket = socket.handle(), .op = operation::remove}));
    ASSERT_EQ(next(port()), packet_of(1, event::remove));
  }
}

TEST_P(NotificationPortContract, N21DatagramSocketNeverHangsUp) {
  auto [near, far, near_end] = make_datagram_pair(GetParam().network());
  ASSERT_FALSE(port().apply(arm(near->handle(), 1, interest::hangup, level_persistent)));
  far.reset();
  EXPECT_TRUE(is_quiet(port()));
  ASSERT_FALSE(port().apply(arm(near->handle(), 1, interest::all)));
  const auto told = next(port());
  ASSERT_TRUE(told);
  EXPECT_FALSE(has(told->events(), event::hangup));
}

TEST_P(NotificationPortContract, N22EndOfStreamSatisfiesIn) {
  auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
  pair.far.reset();
  EXPECT_EQ(next(port()), packet_of(1, event::in));
  EXPECT_EQ(outcome_of_read(*pair.near), net::io_outcome::end_of_stream);
}

TEST_P(NotificationPortContract, N23HangupMayAccompanyUnreadDataAndCostsNoneOfIt) {
  auto pair = make_link();
  send(*pair.far, "0123456789");
  pair.far.reset();
  std::string received;
  auto told = event::none;
  for (int rounds = 0; rounds < 100 && !has(told, event::hangup); ++rounds) {
    ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in | interest::hangup)));
    const auto got = next(port());
    ASSERT_TRUE(got);
    told = got->events();
    EXPECT_TRUE(has(told, event::in));
    received += drain(*pair.near);
  }
  EXPECT_TRUE(has(told, event::hangup));
  EXPECT_EQ(received, "0123456789");
  EXPECT_EQ(outcome_of_read(*pair.near), net::io_outcome::end_of_stream);
}

TEST_P(NotificationPortContract, N24EmptyDatagramIsData) {
  const auto [near, far, near_end] = make_datagram_pair(GetParam().network());
  ASSERT_FALSE(port().apply(arm(near->handle(), 1, interest::in)));
  ASSERT_EQ(far->send({}, near_end).outcome, net::io_outcome::done);
  EXPECT_EQ(next(port()), packet_of(1, event::in));
  std::byte byte;
  net::endpoint from;
  const auto got = near->receive({&byte, 1}, from);
  EXPECT_EQ(got.outcome, net::io_outcome::done);
  EXPECT_EQ(got.bytes, 0U);
  EXPECT_EQ(from, *far->local());
  EXPECT_EQ(near->receive({&byte, 1}, from).outcome, net::io_outcome::would_block);
}

TEST_P(NotificationPortContract, N25ConnectSuccessShowsOut) {
  const auto listener = listen();
  const auto connecting = std::move(*GetParam().network().connect(listener->local()));
  ASSERT_FALSE(port().apply(arm(*connecting, 1, interest::out)));
  EXPECT_EQ(next(port()), packet_of(1, event::out));
  EXPECT_FALSE(connecting->pending_error());
}

TEST_P(NotificationPortContract, N25ConnectFailureShowsErr) {
  const auto nobody = listen()->local();
  auto connecting = GetParam().network().connect(nobody);
  ASSERT_TRUE(connecting.has_value());
  ASSERT_FALSE(port().apply(arm(**connecting, 1, interest::out)));
  const auto told = next(port());
  ASSERT_TRUE(told);
  EXPECT_TRUE(has(told->events(), event::err));
  EXPECT_EQ((*connecting)->pending_error(), std::errc::connection_refused);
}

TEST_P(NotificationPortContract, N26PeerCloseGoesUnseenByOutAlone) {
  const auto pair = make_link();
  ASSERT_GT(fill(*pair.near), 0U);
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::out)));
  ASSERT_FALSE(pair.far->shutdown_write());
  await_readable(*pair.near);
  EXPECT_TRUE(is_quiet(port()));
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in | interest::hangup)));
  EXPECT_EQ(next(port()), packet_of(1, event::in | event::hangup));
}

/// A datagram that is shorter than the buffer is no sign that it was the last one.
TEST_P(NotificationPortContract, N56WordAboutDatagramsMeansNothing) {
  const auto [near, far, near_end] = make_datagram_pair(GetParam().network());
  auto wanted = arm(near->handle(), 1, interest::in);
  wanted.known = hint::drained;
  const std::byte sent{'x'};
  for (int n = 0; n < 3; ++n) ASSERT_EQ(far->send({&sent, 1}, near_end).outcome, net::io_outcome::done);
  for (int n = 0; n < 3; ++n) {
    ASSERT_FALSE(port().apply(wanted));
    ASSERT_EQ(next(port()), packet_of(1, event::in)) << n;
    std::array<std::byte, 16> into;
    net::endpoint from;
    ASSERT_EQ(near->receive(into, from).bytes, 1U);
  }
}

}  // namespace
}  // namespace switchboard::notify
