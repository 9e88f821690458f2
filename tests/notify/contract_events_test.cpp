#include "notification_port_contract.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/// Rules N18 to N26: what packets tell.

namespace switchboard::notify {
namespace {

constexpr auto level_persistent = trigger::level | trigger::persistent;

class raw_socket {
public:
  explicit raw_socket(int number) : number_(number) {}
  raw_socket(raw_socket&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  ~raw_socket() {
    if (number_ >= 0) ::close(number_);
  }
  int get() const { return number_; }
  net::socket_handle handle() const { return static_cast<net::socket_handle>(number_); }

private:
  int number_;
};

/// Two UDP sockets on loopback, each connected to the other.
std::pair<raw_socket, raw_socket> make_datagram_pair() {
  const auto open = [] { return raw_socket(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)); };
  std::pair pair{open(), open()};
  const auto bind_to_loopback = [](const raw_socket& socket) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    socklen_t size = sizeof address;
    EXPECT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    return address;
  };
  const auto first = bind_to_loopback(pair.first);
  const auto second = bind_to_loopback(pair.second);
  EXPECT_EQ(::connect(pair.first.get(), reinterpret_cast<const sockaddr*>(&second), sizeof second), 0);
  EXPECT_EQ(::connect(pair.second.get(), reinterpret_cast<const sockaddr*>(&first), sizeof first), 0);
  return pair;
}

TEST_P(NotificationPortContract, N18PendingConditionsMergeIntoOneMask) {
  const auto pair = make_link();
  send(*pair.far, "x");
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

TEST_P(NotificationPortContract, N20ErrIsExplainedByTheSocketOnce) {
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
  const raw_socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  for (const auto how : {level_oneshot, level_persistent}) {
    ASSERT_FALSE(port().apply(arm(socket.handle(), 1, interest::in | interest::hangup, how)));
    EXPECT_TRUE(is_quiet_without_cpu(port()));
  }
}

TEST_P(NotificationPortOnSystemSockets, N21RegistrationMadeBeforeConnectingServesTheConnection) {
  for (const auto how : {level_oneshot, level_persistent}) {
    const auto listener = listen();
    const raw_socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
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

TEST_P(NotificationPortOnSystemSockets, N21DatagramSocketNeverHangsUp) {
  const auto [near, far] = make_datagram_pair();
  ASSERT_EQ(::shutdown(near.get(), SHUT_RDWR), 0);
  ASSERT_FALSE(port().apply(arm(near.handle(), 1, interest::hangup, level_persistent)));
  EXPECT_TRUE(is_quiet(port()));
  ASSERT_FALSE(port().apply(arm(near.handle(), 1, interest::all)));
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

TEST_P(NotificationPortContract, N23HangupMayAccompanyUnreadData) {
  auto pair = make_link();
  send(*pair.far, "0123456789");
  pair.far.reset();
  EXPECT_TRUE(eventually([&] {
    EXPECT_FALSE(port().apply(arm(*pair.near, 1, interest::in | interest::hangup)));
    return next(port()) == packet_of(1, event::in | event::hangup);
  }));
  EXPECT_EQ(drain(*pair.near), "0123456789");
  EXPECT_EQ(outcome_of_read(*pair.near), net::io_outcome::end_of_stream);
}

TEST_P(NotificationPortOnSystemSockets, N24EmptyDatagramIsData) {
  const auto [near, far] = make_datagram_pair();
  ASSERT_FALSE(port().apply(arm(near.handle(), 1, interest::in)));
  ASSERT_EQ(::send(far.get(), "", 0, 0), 0);
  EXPECT_EQ(next(port()), packet_of(1, event::in));
  char byte = 0;
  EXPECT_EQ(::recv(near.get(), &byte, 1, 0), 0);
  EXPECT_EQ(::recv(near.get(), &byte, 1, 0), -1);
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

}  // namespace
}  // namespace switchboard::notify
