#include "notification_port_contract.hpp"

#include <atomic>

/// Bugs of other libraries for the same purpose, each test named after the bug report.

namespace switchboard::notify {
namespace {

constexpr auto level_persistent = trigger::level | trigger::persistent;
constexpr auto edge_persistent = trigger::edge | trigger::persistent;

TEST_P(NotificationPortIncidents, Ponyc5738FailedRemoveIsNotTakenForUnregistered) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
  send(*pair.far, "x");
  await_readable(*pair.near);
  std::array requests{remove(*pair.near)};
  ASSERT_FALSE(port().process(requests, {}, 1ms).has_value());
  EXPECT_EQ(next(port()), packet_of(1, event::in)) << "the context must have survived";
}

TEST_P(NotificationPortIncidents, Ponyc2897DataThatCameBetweenDeliveryAndRearmIsReported) {
  const auto pair = make_link();
  for (const auto how : {level_oneshot, trigger::edge | trigger::oneshot}) {
    ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in, how)));
    send(*pair.far, "x");
    ASSERT_EQ(next(port()), packet_of(1, event::in));
    EXPECT_EQ(drain(*pair.near), "x");
    send(*pair.far, "y");
    await_readable(*pair.near);
    ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in, how)));
    if (how == level_oneshot) {
      EXPECT_EQ(next(port()), packet_of(1, event::in));
    }
    EXPECT_EQ(drain(*pair.near), "y");
    static_cast<void>(next(port(), 0s));
  }
}

TEST_P(NotificationPortIncidents, Ponyc5683OutDeliveryAloneDoesNotSwallowTheArmForIn) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in | interest::out)));
  ASSERT_EQ(next(port()), packet_of(1, event::out));
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
  send(*pair.far, "x");
  EXPECT_EQ(next(port()), packet_of(1, event::in));
}

TEST_P(NotificationPortIncidents, Ponyc5131RegistrationErrorsAreReported) {
  auto pair = make_link();
  const auto number = pair.near->handle();
  pair.near.reset();
  EXPECT_EQ(port().apply(arm(number, 1, interest::in)), errc::not_a_socket);
}

TEST_P(NotificationPortIncidents, Ponyc5289EmptyDatagramDoesNotEndTheSocket) {
  const auto loopback = net::endpoint::tcp("127.0.0.1", 0);
  const auto near = std::move(*GetParam().network().open_datagrams(loopback));
  const auto far = std::move(*GetParam().network().open_datagrams(loopback));
  ASSERT_FALSE(near->bind(loopback));
  const auto near_end = *near->local();
  ASSERT_FALSE(port().apply(arm(near->handle(), 1, interest::in)));
  ASSERT_EQ(far->send({}, near_end).outcome, net::io_outcome::done);
  ASSERT_EQ(next(port()), packet_of(1, event::in));
  std::byte byte{};
  net::endpoint from;
  EXPECT_EQ(near->receive({&byte, 1}, from).bytes, 0U);
  ASSERT_FALSE(port().apply(arm(near->handle(), 1, interest::in)));
  EXPECT_TRUE(is_quiet(port()));
  const std::byte full{'z'};
  ASSERT_EQ(far->send({&full, 1}, near_end).bytes, 1U);
  EXPECT_EQ(next(port()), packet_of(1, event::in));
  EXPECT_EQ(near->receive({&byte, 1}, from).bytes, 1U);
  EXPECT_EQ(byte, full);
}

TEST_P(NotificationPortIncidents, Libevent1264IdleWaitUsesNoCpu) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in, level_persistent)));
  EXPECT_TRUE(is_quiet_without_cpu(port()));
}

TEST_P(NotificationPortIncidents, Libevent1264ResetAloneNotifies) {
  auto pair = make_link();
  ASSERT_GT(fill(*pair.far), 0U);
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::none)));
  reset(pair);
  const auto told = next(port());
  ASSERT_TRUE(told);
  EXPECT_TRUE(has(told->events(), event::err));
}

TEST_P(NotificationPortIncidents, Polling210RemovalIsNotAwaitedByTakingOthersPackets) {
  constexpr std::uint64_t rounds = 500;
  std::atomic<std::uint64_t> posts = 0;
  std::atomic<std::uint64_t> removals = 0;
  std::vector<std::jthread> drainers;
  for (int n = 0; n < 2; ++n)
    drainers.emplace_back([&] {
      while (const auto got = next(port(), GetParam().longest_wait)) {
        if (got->key == 0) {
          EXPECT_FALSE(port().post(0, 0));
          return;
        }
        (got->key == 1 ? removals : posts) += 1;
      }
    });
  const auto pair = make_link();
  for (std::uint64_t round = 1; round <= rounds; ++round) {
    ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
    ASSERT_FALSE(port().post(2, round));
    ASSERT_FALSE(port().apply(remove(*pair.near)));
    ASSERT_TRUE(eventually([&] { return removals == round && posts == round; }));
  }
  ASSERT_FALSE(port().post(0, 0));
}

TEST_P(NotificationPortIncidents, Wepoll35FireRemoveAndEnableLoseNothingBetweenTwoPollers) {
#ifdef _WIN32
  constexpr int rounds = 10'000;  // as each request is a call of Wine's server, about half a millisecond
#else
  constexpr int rounds = 100'000;
#endif
  const auto pair = make_link();
  std::atomic<int> fired = 0;
  std::atomic<int> refused = 0;
  const auto poll = [&] {
    std::array<packet, 1> out;
    std::array<request, 1> next_request{};
    std::size_t requests = 0;
    for (;;) {
      const auto count = port().process(std::span(next_request).first(requests), out, GetParam().longest_wait);
      ASSERT_TRUE(count.has_value() && *count == 1) << "an event was lost after " << fired;
      if (requests == 1 && next_request[0].result) ++refused;
      requests = 0;
      if (out[0].key == 0) break;
      requests = 1;
      if (has(out[0].events(), event::remove)) {
        next_request[0] = arm(*pair.near, 1, interest::out);
      } else if (++fired < rounds) {
        next_request[0] = remove(*pair.near);
      } else {
        requests = 0;
        EXPECT_FALSE(port().post(0, 0));
      }
    }
    EXPECT_FALSE(port().post(0, 0));
  };
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::out)));
  {
    const std::jthread first(poll);
    const std::jthread second(poll);
  }
  EXPECT_EQ(fired, rounds);
  EXPECT_EQ(refused, 0);
}

TEST_P(NotificationPortIncidents, Mio1303OneResetGivesFewEdges) {
  auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::all, edge_persistent)));
  reset(pair);
  int packets = 0;
  const auto deadline = port().now() + watch_time;
  while (packets < 100 && port().now() < deadline) packets += next(port(), deadline - port().now()).has_value();
  EXPECT_GE(packets, 1);
  EXPECT_LE(packets, 8);
}

TEST_P(NotificationPortIncidents, Msquic1290OneThreadCannotFreeWhatAnothersBatchHolds) {
  const auto first = make_link();
  const auto second = make_link();
  ASSERT_FALSE(port().apply(arm(*first.near, 1, interest::out)));
  ASSERT_FALSE(port().apply(arm(*second.near, 2, interest::out)));
  std::vector<packet> held;
  gate taken;
  gate go;
  std::jthread other([&] {
    held = take(port());
    taken.open();
    go.pass();
  });
  ASSERT_TRUE(taken.passes_within(patience_with_threads()));
  ASSERT_EQ(held.size(), 2U);
  ASSERT_FALSE(port().apply(remove(*second.near)));
  EXPECT_TRUE(is_quiet(port()));
  go.open();
  other.join();
  EXPECT_EQ(next(port()), packet_of(2, event::remove));
}

TEST_P(NotificationPortIncidents, Seastar1945ResetOfADisabledSocketDoesNotSpin) {
  auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::all, level_persistent)));
  ASSERT_FALSE(port().apply(disable(*pair.near)));
  reset(pair);
  EXPECT_TRUE(is_quiet_without_cpu(port()));
}

TEST_P(NotificationPortIncidents, Seastar1945HangupNobodyAskedForDoesNotSpin) {
  for (const auto how : {level_oneshot, level_persistent}) {
    auto pair = make_link();
    ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::none, how)));
    ASSERT_FALSE(pair.near->shutdown_write());
    ASSERT_FALSE(pair.far->shutdown_write());
    await_readable(*pair.near);
    await_readable(*pair.far);
    EXPECT_TRUE(is_quiet_without_cpu(port()));
    ASSERT_FALSE(port().apply(remove(*pair.near)));
    ASSERT_EQ(next(port()), packet_of(1, event::remove));
  }
}

TEST_P(NotificationPortIncidents, Mio933HalfCloseIsNoFullClose) {
  constexpr std::size_t unread = 64 * 1024;
  auto pair = make_link();
  const std::string block(4096, 'd');
  std::string received;
  for (std::size_t sent = 0; sent < unread; sent += block.size()) {
    // A socket takes only so much at once: read ahead of what would not fit, and leave the last half unread.
    if (sent == unread / 2) {
      while (received.size() < sent) {
        await_readable(*pair.near);
        received += drain(*pair.near);
      }
    }
    send(*pair.far, block);
  }
  ASSERT_FALSE(pair.far->shutdown_write());
  while (received.size() < unread) {
    ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in | interest::hangup)));
    ASSERT_TRUE(next(port()));
    received += drain(*pair.near);
  }
  EXPECT_EQ(received.size(), unread);
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::out)));
  ASSERT_EQ(next(port()), packet_of(1, event::out));
  send(*pair.near, "reply");
  await_readable(*pair.far);
  EXPECT_EQ(drain(*pair.far), "reply");
}

TEST_P(NotificationPortIncidents, Silk80PostArrivesBehindAFloodOfReadiness) {
  constexpr std::uint64_t sockets = 200;
  std::vector<link> links;
  for (std::uint64_t n = 1; n <= sockets; ++n)
    ASSERT_FALSE(port().apply(arm(*links.emplace_back(make_link()).near, n, interest::out, level_persistent)));
  ASSERT_FALSE(port().post(1'000, 0));
  bool came = false;
  for (int waits = 0; waits < 3 && !came; ++waits)
    for (const auto& each : take(port())) came = came || each.key == 1'000;
  EXPECT_TRUE(came);
}

TEST_P(NotificationPortIncidents, Liburing932ClosedSocketReallyEndsTheConnection) {
  auto pair = make_link();
  const auto number = GetParam().detach(std::move(pair.near));
  ASSERT_FALSE(port().apply(arm(number, 1, interest::in, level_persistent)));
  ASSERT_FALSE(port().close(number));
  await_readable(*pair.far);
  EXPECT_EQ(outcome_of_read(*pair.far), net::io_outcome::end_of_stream);
}

}  // namespace
}  // namespace switchboard::notify
