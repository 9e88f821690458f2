#include "notification_port_contract.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <numeric>
#include <set>

/// Rules N37 to N47: waiting, posted packets, many threads.

namespace switchboard::notify {
namespace {

constexpr auto level_persistent = trigger::level | trigger::persistent;

TEST_P(NotificationPortContract, N37RequestsApplyInArrayOrder) {
  const auto pair = make_link();
  std::array requests{disable(*pair.near), arm(*pair.near, 1, interest::out), disable(*pair.near), remove(*pair.near),
                      arm(*pair.near, 1, interest::out)};
  std::array<packet, 4> out;
  const auto count = port().process(requests, out, patience);
  EXPECT_EQ(requests[0].result, errc::not_registered);
  EXPECT_FALSE(requests[1].result);
  EXPECT_FALSE(requests[2].result);
  EXPECT_FALSE(requests[3].result);
  EXPECT_EQ(requests[4].result, errc::removing);
  ASSERT_TRUE(count.has_value());
  ASSERT_EQ(*count, 1U);
  EXPECT_EQ(out[0], packet_of(1, event::remove));
}

TEST_P(NotificationPortContract, N37RearmAndWaitAreOneCall) {
  const auto pair = make_link();
  std::array<packet, 4> out;
  for (int round = 0; round < 3; ++round) {
    std::array requests{arm(*pair.near, 1, interest::out)};
    const auto count = port().process(requests, out, patience);
    EXPECT_FALSE(requests[0].result);
    ASSERT_TRUE(count.has_value());
    ASSERT_EQ(*count, 1U);
    EXPECT_EQ(out[0], packet_of(1, event::out));
  }
}

TEST_P(NotificationPortContract, N38WithoutRoomOnlyRequestsAreAppliedAndNothingIsTaken) {
  const auto pair = make_link();
  ASSERT_FALSE(port().post(7, 7));
  std::array requests{arm(*pair.near, 1, interest::out)};
  const auto count = port().process(requests, {}, 0s);
  ASSERT_TRUE(count.has_value());
  EXPECT_EQ(*count, 0U);
  EXPECT_FALSE(requests[0].result);
  EXPECT_EQ(take(port()).size(), 2U);
}

TEST_P(NotificationPortContract, N38WithoutRoomThereIsNoWaiting) {
  EXPECT_EQ(port().process({}, {}, 1ms).error(), errc::invalid_request);
  EXPECT_EQ(port().process({}, {}, notification_port::infinite).error(), errc::invalid_request);
  EXPECT_TRUE(port().process({}, {}, 0s).has_value());
}

TEST_P(NotificationPortContract, N39ReturnsOnceOnePacketExistsThoughThereIsRoomForMore) {
  ASSERT_FALSE(port().post(7, 1));
  EXPECT_EQ(take(port(), notification_port::infinite), std::vector{(packet{7, 1})});
}

TEST_P(NotificationPortContract, N39CapacityIsNeverExceededAndTheRestStaysQueued) {
  constexpr std::size_t sockets = 10;
  constexpr std::size_t posts = 4;
  std::vector<link> links;
  for (std::size_t n = 1; n <= sockets; ++n) {
    ASSERT_FALSE(port().apply(arm(*links.emplace_back(make_link()).near, n, interest::out)));
    if (n <= posts) {
      ASSERT_FALSE(port().post(100 + n, 0));
    }
  }
  std::set<std::uint64_t> keys;
  std::vector<packet> out(5, packet{0xdead, 0xdead});
  for (std::size_t seen = 0; seen < sockets + posts;) {
    const auto count = port().wait(std::span(out).first(3), patience);
    ASSERT_TRUE(count.has_value());
    ASSERT_GE(*count, 1U);
    ASSERT_LE(*count, 3U);
    for (const auto& each : std::span(out).first(*count)) EXPECT_TRUE(keys.insert(each.key).second) << each.key;
    EXPECT_EQ(out[3], (packet{0xdead, 0xdead}));
    seen += *count;
  }
  EXPECT_EQ(keys.size(), sockets + posts);
  EXPECT_TRUE(is_quiet(port()));
}

TEST_P(NotificationPortContract, N40TimeoutZeroPolls) {
  EXPECT_EQ(next(port(), 0s), std::nullopt);
  ASSERT_FALSE(port().post(7, 1));
  EXPECT_EQ(next(port(), 0s), (packet{7, 1}));
  EXPECT_EQ(next(port(), 0s), std::nullopt);
}

TEST_P(NotificationPortContract, N40InfiniteNeverExpires) {
  std::atomic<bool> has_returned = false;
  const waiter other([&] {
    EXPECT_EQ(next(port(), notification_port::infinite), (packet{7, 1}));
    has_returned = true;
  });
  EXPECT_TRUE(other.is_asleep());
  EXPECT_FALSE(eventually([&] { return has_returned.load(); }, 50ms));
  EXPECT_FALSE(port().post(7, 1));
}

TEST_P(NotificationPortContract, N40ExpiryIsNoError) {
  std::array<packet, 1> out;
  const auto count = port().wait(out, 1ms);
  ASSERT_TRUE(count.has_value());
  EXPECT_EQ(*count, 0U);
}

TEST_P(NotificationPortContract, N40TimeoutBeyondTheClocksEndNeverExpires) {
  const waiter other([&] { EXPECT_EQ(next(port(), notification_port::infinite - 1ns), (packet{7, 1})); });
  EXPECT_TRUE(other.is_asleep());
  EXPECT_FALSE(port().post(7, 1));
}

TEST_P(NotificationPortContract, N41TimeoutIsNeverEarly) {
  for (const notification_port::duration timeout :
       {notification_port::duration(1ns), notification_port::duration(300us), notification_port::duration(999us),
        notification_port::duration(1500us), notification_port::duration(12ms)}) {
    for (int round = 0; round < 5; ++round) {
      const auto start = port().now();
      ASSERT_EQ(next(port(), timeout), std::nullopt);
      EXPECT_GE((port().now() - start).count(), timeout.count());
    }
  }
}

TEST_P(NotificationPortContract, N42PostWakesOneWaiter) {
  constexpr int waiters = 4;
  std::atomic<int> woken = 0;
  std::vector<std::jthread> threads;
  for (int n = 0; n < waiters; ++n)
    threads.emplace_back([&] {
      EXPECT_TRUE(next(port(), notification_port::infinite));
      ++woken;
    });
  for (int n = 1; n <= waiters; ++n) {
    ASSERT_FALSE(port().post(7, 1));
    EXPECT_TRUE(eventually([&] { return woken == n; }));
    // By the system's clock: the port's may be simulated.
    for (const auto until = std::chrono::steady_clock::now() + quiet_time;
         woken == n && std::chrono::steady_clock::now() < until;)
      std::this_thread::yield();
    EXPECT_EQ(woken, n);
  }
}

TEST_P(NotificationPortContract, N42PostsInterleaveWithSocketPackets) {
  const auto pair = make_link();
  ASSERT_FALSE(port().post(7, 11));
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::out)));
  ASSERT_FALSE(port().post(7, 12));
  auto packets = take(port());
  std::ranges::sort(packets, {}, &packet::value);
  EXPECT_EQ(packets, (std::vector{packet_of(1, event::out), packet{7, 11}, packet{7, 12}}));
}

TEST_P(NotificationPortContract, N42PostsOfManyThreadsAllArriveWithoutAnyWaiterStranded) {
  constexpr std::uint64_t posters = 3;
  constexpr std::uint64_t each = 20'000;
  std::atomic<std::uint64_t> sum = 0;
  std::atomic<std::uint64_t> count = 0;
  std::vector<std::jthread> threads;
  for (int n = 0; n < 3; ++n)
    threads.emplace_back([&, capacity = static_cast<std::size_t>(n) + 1] {
      std::vector<packet> out(capacity);
      for (;;) {
        const auto got = port().wait(out, notification_port::infinite);
        ASSERT_TRUE(got.has_value());
        for (const auto& taken : std::span(out).first(*got)) {
          if (taken.key == 0) {
            EXPECT_FALSE(port().post(0, 0));
            return;
          }
          sum += taken.value;
          ++count;
        }
      }
    });
  {
    std::vector<std::jthread> sources;
    for (std::uint64_t source = 0; source < posters; ++source)
      sources.emplace_back([&] {
        for (std::uint64_t value = 1; value <= each; ++value) EXPECT_FALSE(port().post(7, value));
      });
  }
  // On a busy machine all may take long together, but each next one must come soon.
  for (auto seen = count.load(); seen != posters * each; seen = count) {
    const bool goes_on = eventually([&] { return count != seen; });
    EXPECT_TRUE(goes_on) << seen;
    if (!goes_on) break;
  }
  EXPECT_EQ(sum, posters * (each * (each + 1) / 2));
  ASSERT_FALSE(port().post(0, 0));
}

TEST_P(NotificationPortContract, N43PostedValueArrivesVerbatimWhateverMaskItEquals) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
  for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{0xc7}, std::uint64_t{0x80}, ~std::uint64_t{0}}) {
    ASSERT_FALSE(port().post(1, value));
    EXPECT_EQ(next(port()), (packet{1, value}));
  }
  EXPECT_FALSE(port().apply(remove(*pair.near))) << "a posted packet that looks like REMOVE is none";
  EXPECT_EQ(next(port()), packet_of(1, event::remove));
}

TEST_P(NotificationPortContract, N44OnePostEndsAllThreads) {
  constexpr std::uint64_t exit_key = 0;
  constexpr int work = 500;
  std::atomic<int> processed = 0;
  std::atomic<int> ended = 0;
  std::vector<std::jthread> threads;
  for (int n = 0; n < 8; ++n)
    threads.emplace_back([&] {
      std::array<packet, 4> out;
      for (bool leaving = false; !leaving;) {
        const auto count = port().wait(out, notification_port::infinite);
        ASSERT_TRUE(count.has_value());
        for (const auto& each : std::span(out).first(*count)) {
          if (each.key == exit_key) {
            leaving = true;
          } else {
            ++processed;
          }
        }
      }
      EXPECT_FALSE(port().post(exit_key, 0));
      port().release();
      ++ended;
    });
  for (int n = 1; n <= work; ++n) ASSERT_FALSE(port().post(static_cast<std::uint64_t>(n), 0));
  ASSERT_FALSE(port().post(exit_key, 0));
  threads.clear();
  EXPECT_EQ(ended, 8);
  EXPECT_EQ(processed, work);
  EXPECT_EQ(next(port(), 0s), (packet{exit_key, 0})) << "the last repost";
}

TEST_P(NotificationPortContract, N45AnArmOutlivesTheThreadThatMadeIt) {
  for (const auto how : {level_oneshot, level_persistent, trigger::edge}) {
    const auto pair = make_link();
    std::thread([&] { EXPECT_FALSE(port().apply(arm(*pair.near, 1, interest::in, how))); }).join();
    EXPECT_TRUE(is_quiet(port()));
    send(*pair.far, "x");
    EXPECT_EQ(next(port()), packet_of(1, event::in));
    EXPECT_FALSE(port().apply(remove(*pair.near)));
    for (auto got = next(port()); got != packet_of(1, event::remove); got = next(port())) ASSERT_TRUE(got);
  }
}

TEST_P(NotificationPortContract, N45EveryCallMayRunBesideEveryOther) {
  constexpr int rounds = 2'000;
  constexpr std::size_t sockets = 4;
  std::vector<link> links;
  for (std::size_t n = 0; n < sockets; ++n) links.push_back(make_link());
  std::atomic<int> removals_asked = 0;
  std::atomic<int> removals_seen = 0;
  std::atomic<int> posts_seen = 0;
  std::vector<std::jthread> drainers;
  for (int n = 0; n < 2; ++n)
    drainers.emplace_back([&] {
      std::array<packet, 8> out;
      for (;;) {
        const auto count = port().wait(out, notification_port::infinite);
        ASSERT_TRUE(count.has_value());
        for (const auto& each : std::span(out).first(*count)) {
          if (each.key == 0) {
            EXPECT_FALSE(port().post(0, 0));
            return;
          }
          if (each.key == 100) {
            ++posts_seen;
          } else if (has(each.events(), event::remove)) {
            ++removals_seen;
          }
        }
        port().release();
      }
    });
  {
    std::vector<std::jthread> callers;
    for (std::size_t n = 0; n < 3; ++n)
      callers.emplace_back([&, n] {
        for (std::size_t round = 0; round < rounds; ++round) {
          const auto index = (round * 7 + n) % sockets;
          const auto& socket = *links[index].near;
          const auto how = round % 3 == 0 ? level_persistent : round % 3 == 1 ? level_oneshot : trigger::edge;
          static_cast<void>(port().apply(arm(socket, index + 1, interest::out | interest::in, how)));
          if (round % 4 == n) static_cast<void>(port().apply(disable(socket)));
          if (round % 5 == n && !port().apply(remove(socket))) ++removals_asked;
          EXPECT_FALSE(port().post(100, round));
        }
      });
  }
  EXPECT_TRUE(eventually([&] { return removals_seen == removals_asked && posts_seen == 3 * rounds; }))
      << removals_seen << " of " << removals_asked << " removals, " << posts_seen << " posts";
  EXPECT_GT(removals_asked, 0);
  ASSERT_FALSE(port().post(0, 0));
}

TEST_P(NotificationPortContract, N46PacketReachesExactlyOneThread) {
  constexpr std::uint64_t sockets = 50;
  constexpr std::uint64_t posts = 2'000;
  std::vector<link> links;
  for (std::uint64_t n = 0; n < sockets; ++n) links.push_back(make_link());
  std::mutex mutex;
  std::map<std::uint64_t, int> seen;
  std::vector<std::jthread> threads;
  for (int n = 0; n < 4; ++n)
    threads.emplace_back([&] {
      while (const auto got = next(port(), notification_port::infinite)) {
        if (got->key == 0) {
          EXPECT_FALSE(port().post(0, 0));
          return;
        }
        const std::scoped_lock hold(mutex);
        ++seen[got->key];
      }
    });
  for (std::uint64_t n = 0; n < sockets; ++n)
    ASSERT_FALSE(port().apply(arm(*links[n].near, 10'000 + n, interest::out)));
  for (std::uint64_t n = 1; n <= posts; ++n) ASSERT_FALSE(port().post(n, 0));
  EXPECT_TRUE(eventually([&] {
    const std::scoped_lock hold(mutex);
    return seen.size() == sockets + posts;
  }));
  ASSERT_FALSE(port().post(0, 0));
  threads.clear();
  for (const auto& [key, times] : seen) EXPECT_EQ(times, 1) << key;
}

TEST_P(NotificationPortContract, N47PostsKeepTheirOrderForASingleThread) {
  for (std::uint64_t n = 0; n < 100; ++n) ASSERT_FALSE(port().post(7, n));
  for (std::uint64_t n = 0; n < 100; ++n) EXPECT_EQ(next(port()), (packet{7, n}));
}

TEST_P(NotificationPortContract, N47ReadySocketsDoNotStarvePosts) {
  for (const std::size_t capacity : {1U, 2U, 8U}) {
    std::vector<link> links;
    for (std::uint64_t n = 1; n <= 16; ++n)
      ASSERT_FALSE(port().apply(arm(*links.emplace_back(make_link()).near, n, interest::out, level_persistent)));
    ASSERT_FALSE(port().post(100, 0));
    bool came = false;
    std::vector<packet> out(capacity);
    for (int waits = 0; waits < 2 && !came; ++waits) {
      const auto count = port().wait(out, patience);
      ASSERT_TRUE(count.has_value());
      for (const auto& each : std::span(out).first(*count)) came = came || each.key == 100;
    }
    EXPECT_TRUE(came) << "capacity " << capacity;
    renew_port();
  }
}

TEST_P(NotificationPortContract, N47PostsDoNotStarveReadySockets) {
  for (const std::size_t capacity : {1U, 2U, 8U}) {
    const auto pair = make_link();
    for (int n = 0; n < 100; ++n) ASSERT_FALSE(port().post(100, 0));
    ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::out)));
    bool came = false;
    std::vector<packet> out(capacity);
    for (int waits = 0; waits < 2 && !came; ++waits) {
      const auto count = port().wait(out, patience);
      ASSERT_TRUE(count.has_value());
      for (const auto& each : std::span(out).first(*count)) came = came || each.key == 1;
    }
    EXPECT_TRUE(came) << "capacity " << capacity;
    renew_port();
  }
}

TEST_P(NotificationPortContract, N47LevelSourcesTakeTurns) {
  constexpr std::uint64_t sources = 5;
  std::vector<link> links;
  for (std::uint64_t n = 1; n <= sources; ++n)
    ASSERT_FALSE(port().apply(arm(*links.emplace_back(make_link()).near, n, interest::out, level_persistent)));
  for (int round = 0; round < 4; ++round) {
    std::set<std::uint64_t> served;
    for (std::uint64_t n = 0; n < sources; ++n) served.insert(next(port()).value_or(packet{}).key);
    EXPECT_EQ(served.size(), sources) << "one was served twice while another waited";
  }
}

}  // namespace
}  // namespace switchboard::notify
