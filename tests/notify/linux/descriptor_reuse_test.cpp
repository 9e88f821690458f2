#include "../notification_port_contract.hpp"

#include <atomic>

#include <unistd.h>

/// Rule N51 where a descriptor is duplicated, or its number becomes another socket's.

namespace switchboard::notify {
namespace {

constexpr auto level_persistent = trigger::level | trigger::persistent;

/// The number of `old` becomes another socket, as when one is closed and the next one opened gets its number. Gives the
/// newcomer's other end; the one of the old socket sees it closed.
std::unique_ptr<net::transport> reuse_number(const net::transport& old, link newcomer) {
  EXPECT_GE(::dup2(static_cast<int>(newcomer.near->handle()), static_cast<int>(old.handle())), 0);
  return std::move(newcomer.far);
}

TEST_P(NotificationPortOnLinux, N51PortCloseReachesARegistrationThatADuplicateKeepsAlive) {
  auto pair = make_link();
  const auto number = GetParam().detach(std::move(pair.near));
  ASSERT_FALSE(port().apply(arm(number, 1, interest::in, level_persistent)));
  const int duplicate = ::dup(static_cast<int>(number));
  ASSERT_FALSE(port().close(number));
  send(*pair.far, "x");
  EXPECT_TRUE(is_quiet(port()));
  ::close(duplicate);
}

/// What the registration of the number's former owner was left in.
enum class left { armed, fired, disabled, removing, drained, drained_and_fired };
constexpr left left_registered[] = {left::armed, left::fired, left::disabled, left::drained, left::drained_and_fired};

void leave(notification_port& port, const link& pair, left state) {
  const auto request_for = [&](operation op, interest filter) {
    return request{.socket = pair.near->handle(), .key = 1, .filter = filter, .op = op};
  };
  ASSERT_FALSE(port.apply(request_for(operation::enable, state == left::fired ? interest::out : interest::in)));
  if (state == left::drained || state == left::drained_and_fired) {
    auto wanted = request_for(operation::enable, interest::in);
    wanted.known = hint::drained;
    ASSERT_FALSE(port.apply(wanted));
  }
  if (state == left::drained_and_fired) send(*pair.far, "x");
  if (state == left::fired || state == left::drained_and_fired) {
    std::array<packet, 1> out;
    const auto got = port.wait(out, patience);
    ASSERT_TRUE(got.has_value() && *got == 1);
  }
  if (state == left::disabled) {
    ASSERT_FALSE(port.apply(request_for(operation::disable, interest::none)));
  }
  if (state == left::removing) {
    ASSERT_FALSE(port.apply(request_for(operation::remove, interest::none)));
  }
}

TEST_P(NotificationPortOnLinux, N51ReusedNumberStartsFreshWithAnyKey) {
  for (const auto state : left_registered) {
    for (const std::uint64_t key : {1U, 2U}) {
      const auto pair = make_link();
      leave(port(), pair, state);
      const auto far = reuse_number(*pair.near, make_link());
      ASSERT_FALSE(port().apply(arm(*pair.near, key, interest::in)));
      EXPECT_TRUE(is_quiet(port()));
      send(*far, "x");
      EXPECT_EQ(next(port()), packet_of(key, event::in));
      EXPECT_TRUE(is_quiet(port()));
    }
  }
}

TEST_P(NotificationPortOnLinux, N51ReusedNumberStartsFreshOnAnyPort) {
  for (const auto state : left_registered) {
    const auto other = make_port();
    const auto pair = make_link();
    leave(port(), pair, state);
    const auto far = reuse_number(*pair.near, make_link());
    ASSERT_FALSE(other->apply(arm(*pair.near, 5, interest::in)));
    send(*far, "x");
    EXPECT_EQ(next(*other), packet_of(5, event::in));
    EXPECT_TRUE(is_quiet(port()));
    EXPECT_EQ(port().apply(remove(*pair.near)), errc::not_registered);
  }
}

TEST_P(NotificationPortOnLinux, N51ReusedNumberHasNoRegistrationToRemoveOrDisable) {
  for (const auto state : left_registered) {
    for (const auto op : {operation::remove, operation::disable}) {
      const auto pair = make_link();
      leave(port(), pair, state);
      const auto far = reuse_number(*pair.near, make_link());
      EXPECT_EQ(port().apply({.socket = pair.near->handle(), .key = 1, .op = op}), errc::not_registered);
      EXPECT_TRUE(is_quiet(port()));
    }
  }
}

TEST_P(NotificationPortOnLinux, N51NumberReusedBeforeTheRemoveEventKeepsBothApart) {
  const auto pair = make_link();
  leave(port(), pair, left::removing);
  const auto far = reuse_number(*pair.near, make_link());
  ASSERT_FALSE(port().apply(arm(*pair.near, 2, interest::in)));
  EXPECT_EQ(next(port()), packet_of(1, event::remove));
  send(*far, "x");
  EXPECT_EQ(next(port()), packet_of(2, event::in)) << "the newcomer's registration must survive the old one's removal";
}

TEST_P(NotificationPortOnLinux, N51NameIsNotOfTheNextSocketOfItsNumber) {
  for (const bool is_fired : {false, true}) {
    const auto pair = make_link();
    auto old = registration_id::none;
    auto fresh = registration_id::none;
    ASSERT_FALSE(port().add(pair.near->handle(), 1, is_fired ? interest::out : interest::in, old));
    if (is_fired) {
      ASSERT_EQ(next(port()), packet_of(1, event::out));
    }
    const auto far = reuse_number(*pair.near, make_link());
    EXPECT_EQ(port().rearm(old, interest::out), errc::not_registered) << "before it is registered";
    EXPECT_EQ(port().remove(old), errc::not_registered);
    ASSERT_FALSE(port().add(pair.near->handle(), 2, interest::in, fresh));
    EXPECT_EQ(slot_of(fresh), slot_of(old));
    EXPECT_NE(fresh, old);
    EXPECT_EQ(port().rearm(old, interest::out), errc::not_registered);
    EXPECT_EQ(port().remove(old), errc::not_registered);
    EXPECT_TRUE(is_quiet(port()));
    send(*far, "x");
    EXPECT_EQ(next(port()), packet_of(2, event::in));
  }
}

TEST_P(NotificationPortOnLinux, N51DuplicatePutBackUnderTheNumberIsTheSameSocket) {
  const auto pair = make_link();
  const int number = static_cast<int>(pair.near->handle());
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
  const int duplicate = ::dup(number);
  ::close(number);
  ASSERT_EQ(::dup2(duplicate, number), number);
  ::close(duplicate);
  EXPECT_EQ(port().apply(arm(*pair.near, 2, interest::in)), errc::key_mismatch);
  send(*pair.far, "x");
  EXPECT_EQ(next(port()), packet_of(1, event::in));
}

/// Sockets are closed unremoved with events in flight, and their numbers given to newcomers at once, while threads
/// drain. A newcomer must be woken by its own data, and by nothing else.
TEST_P(NotificationPortOnLinux, N51NumbersReusedUnderLoadNeitherLoseNorInheritEvents) {
  constexpr std::uint64_t rounds = 600;
  constexpr std::size_t churners = 2;
  struct owner {
    std::atomic<bool> may_be_woken = false;
    std::atomic<bool> was_woken = false;
  };
  std::vector<owner> owners(churners * rounds * 2 + 1);
  std::atomic<std::uint64_t> inherited = 0;
  std::vector<std::jthread> drainers;
  for (int n = 0; n < 2; ++n)
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
          if (!owners[each.key].may_be_woken) ++inherited;
          owners[each.key].was_woken = true;
        }
      }
    });
  {
    std::vector<std::jthread> threads;
    for (std::size_t churner = 0; churner < churners; ++churner)
      threads.emplace_back([&, churner] {
        const auto slot = make_link();
        std::unique_ptr<net::transport> far;
        for (std::uint64_t round = 0; round < rounds; ++round) {
          const auto victim = 1 + 2 * (churner * rounds + round);
          const auto newcomer = victim + 1;
          far = reuse_number(*slot.near, make_link());
          owners[victim].may_be_woken = true;
          ASSERT_FALSE(
              port().apply(arm(*slot.near, victim, interest::in, round % 2 ? level_oneshot : level_persistent)));
          send(*far, "x");
          far = reuse_number(*slot.near, make_link());
          ASSERT_FALSE(port().apply(arm(*slot.near, newcomer, interest::in)));
          std::this_thread::yield();
          owners[newcomer].may_be_woken = true;
          send(*far, "y");
          ASSERT_TRUE(eventually([&] { return owners[newcomer].was_woken.load(); })) << "lost in round " << round;
        }
      });
  }
  ASSERT_FALSE(port().post(0, 0));
  drainers.clear();
  EXPECT_EQ(inherited, 0U);
}

TEST_P(NotificationPortOnLinux, Wepoll34NumberClosedUnremovedAndReusedHasItsOwnInterest) {
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

TEST_P(NotificationPortOnLinux, Libuv1099ClosedSocketSharedWithAnotherIsSilent) {
  auto pair = make_link();
  const auto number = GetParam().detach(std::move(pair.near));
  ASSERT_FALSE(port().apply(arm(number, 1, interest::in, level_persistent)));
  const int shared = ::dup(static_cast<int>(number));
  ASSERT_FALSE(port().close(number));
  send(*pair.far, "x");
  EXPECT_TRUE(is_quiet_without_cpu(port()));
  ::close(shared);
}

}  // namespace
}  // namespace switchboard::notify
