#include "notification_port_contract.hpp"

#include <atomic>
#include <deque>
#include <random>

/// Rules N48 to N52: how a socket leaves a port, and when its context may be freed.

namespace switchboard::notify {
namespace {

constexpr auto level_persistent = trigger::level | trigger::persistent;

TEST_P(NotificationPortContract, N48RemoveIsTheLastPacketOfItsKey) {
  constexpr std::uint64_t rounds = 300;
  std::vector<std::atomic<bool>> removed(rounds + 1);
  std::atomic<std::uint64_t> late = 0;
  std::atomic<std::uint64_t> gone = 0;
  std::vector<std::jthread> drainers;
  for (int n = 0; n < 3; ++n)
    drainers.emplace_back([&] {
      std::array<packet, 4> out;
      for (;;) {
        const auto count = port().wait(out, notification_port::infinite);
        ASSERT_TRUE(count.has_value());
        for (const auto& each : std::span(out).first(*count)) {
          if (each.key == 0) {
            EXPECT_FALSE(port().post(0, 0));
            return;
          }
          if (removed[each.key]) ++late;
          if (has(each.events(), event::remove)) {
            removed[each.key] = true;
            ++gone;
          }
        }
      }
    });
  const auto pair = make_link();
  bool is_gone = true;
  for (std::uint64_t key = 1; key <= rounds && is_gone; ++key) {
    EXPECT_FALSE(port().apply(arm(*pair.near, key, interest::out, level_persistent)));
    EXPECT_FALSE(port().apply(remove(*pair.near)));
    is_gone = eventually([&] { return gone == key; });
    EXPECT_TRUE(is_gone) << key;
  }
  ASSERT_FALSE(port().post(0, 0));
  drainers.clear();
  EXPECT_EQ(late, 0U);
}

TEST_P(NotificationPortContract, N49RemoveWaitsForABatchTakenBefore) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::out)));
  holder other(port());
  ASSERT_TRUE(other.has_taken());
  ASSERT_FALSE(port().apply(remove(*pair.near)));
  EXPECT_TRUE(is_quiet(port()));
  EXPECT_EQ(port().apply(arm(*pair.near, 1, interest::out)), errc::removing);
  other.join();
  EXPECT_EQ(next(port()), packet_of(1, event::remove));
}

TEST_P(NotificationPortContract, N49EveryBatchTakenBeforeIsWaitedFor) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::out, level_persistent)));
  std::deque<holder> others;
  for (int n = 0; n < 3; ++n) ASSERT_TRUE(others.emplace_back(port()).has_taken());
  ASSERT_FALSE(port().apply(remove(*pair.near)));
  for (auto& each : others) {
    EXPECT_TRUE(is_quiet(port()));
    each.join();
  }
  EXPECT_EQ(next(port()), packet_of(1, event::remove));
}

TEST_P(NotificationPortContract, N49AnyBatchCountsWhateverIsInIt) {
  const auto pair = make_link();
  ASSERT_FALSE(port().post(7, 0));
  holder other(port());
  ASSERT_TRUE(other.has_taken());
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
  ASSERT_FALSE(port().apply(remove(*pair.near)));
  EXPECT_TRUE(is_quiet(port()));
  other.join();
  EXPECT_EQ(next(port()), packet_of(1, event::remove));
}

TEST_P(NotificationPortContract, N49BatchIsReleasedByRelease) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::out)));
  gate released;
  gate end;
  holder other(port(), [&] {
    port().release();
    released.open();
    end.pass();
  });
  ASSERT_TRUE(other.has_taken());
  ASSERT_FALSE(port().apply(remove(*pair.near)));
  EXPECT_TRUE(is_quiet(port()));
  other.release();
  EXPECT_TRUE(released.passes_within(patience_with_threads()));
  EXPECT_EQ(next(port()), packet_of(1, event::remove));
  end.open();
}

TEST_P(NotificationPortContract, N49BatchIsReleasedByTheNextWait) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::out)));
  holder other(port(), [&] { EXPECT_EQ(next(port()), packet_of(1, event::remove)); });
  ASSERT_TRUE(other.has_taken());
  ASSERT_FALSE(port().apply(remove(*pair.near)));
  ASSERT_TRUE(is_quiet(port()));
  other.join();
}

TEST_P(NotificationPortContract, N49ReleasedBatchWakesAThreadAlreadyWaiting) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::out)));
  holder other(port());
  ASSERT_TRUE(other.has_taken());
  ASSERT_FALSE(port().apply(remove(*pair.near)));
  const waiter third([&] { EXPECT_EQ(next(port(), notification_port::infinite), packet_of(1, event::remove)); });
  EXPECT_TRUE(third.is_asleep());
  other.release();
}

TEST_P(NotificationPortContract, N49RequestsOnlyCallDoesNotRelease) {
  const auto pair = make_link();
  const auto second = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::out)));
  gate applied;
  gate end;
  holder other(port(), [&] {
    EXPECT_FALSE(port().apply(arm(*second.near, 2, interest::in)));
    applied.open();
    end.pass();
  });
  ASSERT_TRUE(other.has_taken());
  ASSERT_FALSE(port().apply(remove(*pair.near)));
  other.release();
  EXPECT_TRUE(applied.passes_within(patience_with_threads()));
  EXPECT_TRUE(is_quiet(port()));
  end.open();
  other.join();
  EXPECT_EQ(next(port()), packet_of(1, event::remove));
}

TEST_P(NotificationPortContract, N49WaitOnAnotherPortDoesNotRelease) {
  const auto other_port = make_port();
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::out)));
  gate waited;
  gate end;
  holder other(port(), [&] {
    EXPECT_EQ(next(*other_port, 0s), std::nullopt);
    waited.open();
    end.pass();
  });
  ASSERT_TRUE(other.has_taken());
  ASSERT_FALSE(port().apply(remove(*pair.near)));
  other.release();
  EXPECT_TRUE(waited.passes_within(patience_with_threads()));
  EXPECT_TRUE(is_quiet(port()));
  end.open();
}

TEST_P(NotificationPortContract, N49ThreadThatEndsReleases) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::out)));
  std::jthread taker([&] { EXPECT_EQ(next(port()), packet_of(1, event::out)); });
  taker.join();
  ASSERT_FALSE(port().apply(remove(*pair.near)));
  EXPECT_EQ(next(port()), packet_of(1, event::remove));
}

TEST_P(NotificationPortContract, N49ThreadsThatOnlyWaitHoldNothing) {
  const auto pair = make_link();
  std::deque<waiter> idle;
  std::atomic<int> removals = 0;
  for (int n = 0; n < 3; ++n)
    idle.emplace_back([&] {
      while (const auto got = next(port(), notification_port::infinite)) {
        if (got->key == 0) {
          EXPECT_FALSE(port().post(0, 0));
          return;
        }
        ++removals;
        EXPECT_EQ(got, packet_of(1, event::remove));
      }
    });
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
  for (const auto& each : idle) EXPECT_TRUE(each.is_asleep());
  EXPECT_FALSE(port().apply(remove(*pair.near)));
  EXPECT_TRUE(eventually([&] { return removals == 1; }));
  ASSERT_FALSE(port().post(0, 0));
}

TEST_P(NotificationPortContract, N49BatchTakenAfterTheRemovalWasAskedIsNotWaitedFor) {
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::out)));
  holder older(port());
  ASSERT_TRUE(older.has_taken());
  ASSERT_FALSE(port().apply(remove(*pair.near)));
  ASSERT_FALSE(port().post(7, 0));
  holder younger(port());
  ASSERT_TRUE(younger.has_taken());
  older.join();
  EXPECT_EQ(next(port()), packet_of(1, event::remove)) << "while the younger batch is held";
}

TEST_P(NotificationPortContract, N49EachRemovalWaitsForItsOwnTime) {
  const auto first = make_link();
  const auto second = make_link();
  ASSERT_FALSE(port().apply(arm(*first.near, 1, interest::in)));
  ASSERT_FALSE(port().apply(arm(*second.near, 2, interest::out)));
  ASSERT_FALSE(port().apply(remove(*first.near)));
  holder other(port());
  ASSERT_TRUE(other.has_taken());
  ASSERT_FALSE(port().apply(remove(*second.near)));
  // The first removal's event may be in either batch, the second's must be withheld.
  for (const auto& each : take(port(), watch_time)) EXPECT_EQ(each, packet_of(1, event::remove));
  EXPECT_TRUE(is_quiet(port()));
  other.join();
  EXPECT_EQ(next(port()), packet_of(2, event::remove));
}

/// Contexts are freed at their REMOVE event, after the batch it came in, by whichever thread got it, while other
/// threads have packets of the same contexts and removals come from a thread that drains nothing. No thread may ever look
/// at a freed one.
TEST_P(NotificationPortContract, N49NoThreadHoldsAPacketOfAFreedContext) {
  struct context {
    link connection;
    std::atomic<bool> freed = false;
  };
  constexpr std::uint64_t rounds = 400;
  constexpr std::size_t at_once = 4;
  std::vector<std::unique_ptr<context>> contexts;
  for (std::uint64_t n = 0; n <= rounds; ++n) contexts.push_back(std::make_unique<context>());
  for (std::size_t n = 0; n < at_once; ++n) contexts[n + 1]->connection = make_link();
  std::atomic<std::uint64_t> looked_at_freed = 0;
  std::atomic<std::uint64_t> freed = 0;
  std::atomic<std::uint64_t> looked_at = 0;
  std::vector<std::jthread> drainers;
  for (int n = 0; n < 4; ++n)
    drainers.emplace_back([&] {
      std::array<packet, 3> out;
      for (bool leaving = false; !leaving;) {
        const auto count = port().wait(out, notification_port::infinite);
        ASSERT_TRUE(count.has_value());
        std::this_thread::yield();
        for (const auto& each : std::span(out).first(*count)) {
          if (each.key == 0) {
            leaving = true;
          } else {
            looked_at_freed += contexts[each.key]->freed;
            ++looked_at;
          }
        }
        for (const auto& each : std::span(out).first(*count)) {
          if (each.key == 0 || !has(each.events(), event::remove)) continue;
          contexts[each.key]->freed = true;
          ++freed;
        }
      }
      EXPECT_FALSE(port().post(0, 0));
    });
  for (std::uint64_t key = 1; key <= rounds; ++key) {
    auto& self = *contexts[key];
    if (key > at_once) {
      auto& predecessor = *contexts[key - at_once];
      ASSERT_TRUE(eventually([&] { return predecessor.freed.load(); })) << key;
      self.connection = std::move(predecessor.connection);
    }
    ASSERT_FALSE(port().apply(arm(*self.connection.near, key, interest::out, level_persistent)));
    const auto before = looked_at.load();
    while (looked_at < before + 4) std::this_thread::yield();
    ASSERT_FALSE(port().apply(remove(*self.connection.near)));
  }
  EXPECT_TRUE(eventually([&] { return freed == rounds; }));
  ASSERT_FALSE(port().post(0, 0));
  drainers.clear();
  EXPECT_EQ(looked_at_freed, 0U);
}

TEST_P(NotificationPortContract, N50RemoveItsEventCloseAndFreeLeaveNothingForTheNextOwner) {
  for (std::uint64_t key = 1; key <= 100; ++key) {
    auto pair = make_link();
    ASSERT_FALSE(port().apply(arm(*pair.near, key, interest::in)));
    send(*pair.far, "x");
    ASSERT_FALSE(port().apply(remove(*pair.near)));
    ASSERT_EQ(next(port()), packet_of(key, event::remove));
    pair.near.reset();
  }
  EXPECT_TRUE(is_quiet(port()));
}

TEST_P(NotificationPortContract, N51ClosingWithoutRemoveIsSilent) {
  for (const auto how : {level_oneshot, level_persistent, trigger::edge}) {
    auto pair = make_link();
    ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in | interest::hangup, how)));
    pair.near.reset();
    pair.far.reset();
    EXPECT_TRUE(is_quiet(port()));
  }
}

TEST_P(NotificationPortContract, N51PortCloseDeregistersAndCloses) {
  auto pair = make_link();
  const auto number = GetParam().detach(std::move(pair.near));
  ASSERT_FALSE(port().apply(arm(number, 1, interest::all, level_persistent)));
  ASSERT_FALSE(port().close(number));
  EXPECT_TRUE(is_quiet(port()));
  await_readable(*pair.far);
  EXPECT_EQ(outcome_of_read(*pair.far), net::io_outcome::end_of_stream);
  EXPECT_TRUE(port().apply({.socket = number, .op = operation::remove}));
  EXPECT_EQ(port().close(number), errc::not_a_socket);
}

TEST_P(NotificationPortContract, N51PortDoesNotCloseWhatAnotherPortHas) {
  const auto other = make_port();
  const auto pair = make_link();
  ASSERT_FALSE(other->apply(arm(*pair.near, 1, interest::in)));
  EXPECT_EQ(port().close(pair.near->handle()), errc::registered_elsewhere);
  send(*pair.far, "x");
  EXPECT_EQ(next(*other), packet_of(1, event::in));
}

TEST_P(NotificationPortContract, N51PortCloseDuringRemovalStillGivesTheEvent) {
  auto pair = make_link();
  const auto number = GetParam().detach(std::move(pair.near));
  ASSERT_FALSE(port().apply(arm(number, 1, interest::in)));
  ASSERT_FALSE(port().apply({.socket = number, .op = operation::remove}));
  ASSERT_FALSE(port().close(number));
  EXPECT_EQ(next(port()), packet_of(1, event::remove));
  EXPECT_TRUE(is_quiet(port()));
}

TEST_P(NotificationPortContract, N52RemoveOfAClosedSocketKeepsFailingWithoutAnEvent) {
  auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
  const auto number = pair.near->handle();
  pair.near.reset();
  for (int attempt = 0; attempt < 3; ++attempt)
    EXPECT_EQ(port().apply({.socket = number, .op = operation::remove}), errc::not_registered);
  EXPECT_TRUE(is_quiet(port()));
}

}  // namespace
}  // namespace switchboard::notify
