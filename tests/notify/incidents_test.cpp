#include "notification_port_contract.hpp"

#include <atomic>

#include <sys/socket.h>
#include <unistd.h>

/// What went wrong in other libraries built for the same job, each test named after the report.

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

TEST_P(NotificationPortIncidentsOnSystemSockets, Ponyc5289EmptyDatagramDoesNotEndTheSocket) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
  const auto socket = static_cast<net::socket_handle>(ends[0]);
  ASSERT_FALSE(port().apply(arm(socket, 1, interest::in)));
  ASSERT_EQ(::send(ends[1], "", 0, 0), 0);
  ASSERT_EQ(next(port()), packet_of(1, event::in));
  char byte = 0;
  EXPECT_EQ(::recv(ends[0], &byte, 1, 0), 0);
  ASSERT_FALSE(port().apply(arm(socket, 1, interest::in)));
  EXPECT_TRUE(is_quiet(port()));
  ASSERT_EQ(::send(ends[1], "z", 1, 0), 1);
  EXPECT_EQ(next(port()), packet_of(1, event::in));
  EXPECT_EQ(::recv(ends[0], &byte, 1, 0), 1);
  EXPECT_EQ(byte, 'z');
  ::close(ends[0]);
  ::close(ends[1]);
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

TEST_P(NotificationPortIncidentsOnSystemSockets, Wepoll34NumberClosedUnremovedAndReusedHasItsOwnInterest) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in, level_persistent)));
  auto newcomer = make_link();
  ASSERT_GE(::dup2(static_cast<int>(newcomer.near->handle()), static_cast<int>(pair.near->handle())), 0);
  newcomer.near.reset();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in, level_persistent)));
  EXPECT_TRUE(is_quiet(port()));
  send(*newcomer.far, "x");
  EXPECT_EQ(next(port()), packet_of(1, event::in));
}

TEST_P(NotificationPortIncidents, Wepoll35FireRemoveAndEnableLoseNothingBetweenTwoPollers) {
  constexpr int rounds = 100'000;
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
  std::binary_semaphore taken(0);
  std::binary_semaphore go(0);
  std::jthread other([&] {
    held = take(port());
    taken.release();
    go.acquire();
  });
  ASSERT_TRUE(taken.try_acquire_for(patience_with_threads()));
  ASSERT_EQ(held.size(), 2U);
  ASSERT_FALSE(port().apply(remove(*second.near)));
  EXPECT_TRUE(is_quiet(port()));
  go.release();
  other.join();
  EXPECT_EQ(next(port()), packet_of(2, event::remove));
}

TEST_P(NotificationPortIncidentsOnSystemSockets, Libuv1099ClosedSocketSharedWithAnotherIsSilent) {
  auto pair = make_link();
  const auto number = GetParam().detach(std::move(pair.near));
  ASSERT_FALSE(port().apply(arm(number, 1, interest::in, level_persistent)));
  const int shared = ::dup(static_cast<int>(number));
  ASSERT_FALSE(port().close(number));
  send(*pair.far, "x");
  EXPECT_TRUE(is_quiet_without_cpu(port()));
  ::close(shared);
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
