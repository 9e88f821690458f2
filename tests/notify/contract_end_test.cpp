#include "notification_port_contract.hpp"

#include <atomic>
#include <fstream>
#include <iterator>

#include <sys/types.h>
#include <unistd.h>

/// Rules N53 to N55: listeners, and the end of a port. N54 (accepting as a completion) is of the native backend only.

namespace switchboard::notify {
namespace {

TEST_P(NotificationPortContract, N53ListenerInMeansTryAccept) {
  const auto listener = listen();
  ASSERT_FALSE(port().apply(arm(listener->handle(), 1, interest::in)));
  EXPECT_TRUE(is_quiet(port()));
  const auto client = std::move(*GetParam().network().connect(listener->local()));
  EXPECT_EQ(next(port()), packet_of(1, event::in));
  EXPECT_NE(*listener->accept(), nullptr);
  EXPECT_EQ(*listener->accept(), nullptr);
}

TEST_P(NotificationPortContract, N53ListenerRearmedWithConnectionsWaitingFiresAgain) {
  constexpr int clients = 3;
  const auto listener = listen();
  std::vector<std::unique_ptr<net::transport>> connecting;
  for (int n = 0; n < clients; ++n) connecting.push_back(std::move(*GetParam().network().connect(listener->local())));
  for (int n = 0; n < clients; ++n) {
    ASSERT_FALSE(port().apply(arm(listener->handle(), 1, interest::in)));
    ASSERT_EQ(next(port()), packet_of(1, event::in));
    EXPECT_NE(*listener->accept(), nullptr);
  }
  ASSERT_FALSE(port().apply(arm(listener->handle(), 1, interest::in)));
  EXPECT_TRUE(is_quiet(port()));
}

/// Whether the kernel has put the thread to sleep.
bool is_asleep(pid_t thread) {
  std::ifstream status("/proc/self/task/" + std::to_string(thread) + "/stat");
  const std::string text{std::istreambuf_iterator<char>(status), {}};
  const auto end_of_name = text.rfind(')');
  return end_of_name != text.npos && text.compare(end_of_name + 2, 1, "S") == 0;
}

TEST_P(NotificationPortOnSystemSockets, N55DestructionReleasesEveryWaiterWithClosed) {
  constexpr std::size_t waiters = 4;
  auto& ending = port();
  std::atomic<std::size_t> closed = 0;
  std::array<std::atomic<pid_t>, waiters> ids{};
  std::vector<std::jthread> threads;
  for (std::size_t n = 0; n < waiters; ++n)
    threads.emplace_back([&, n] {
      std::array<packet, 4> out;
      EXPECT_EQ(next(ending, 0s), std::nullopt);
      ids[n] = ::gettid();
      closed += ending.wait(out, n % 2 ? notification_port::infinite : patience).error() == errc::closed;
    });
  // All that is left for them to sleep in is the wait.
  for (const auto& id : ids) ASSERT_TRUE(eventually([&] { return id != 0 && is_asleep(id); }));
  end_port();
  threads.clear();
  EXPECT_EQ(closed, waiters);
}

TEST_P(NotificationPortContract, N55DestructionDropsRegistrationsWithoutRemove) {
  const auto other = make_port();
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
  end_port();
  ASSERT_FALSE(other->apply(arm(*pair.near, 2, interest::out)));
  EXPECT_EQ(next(*other), packet_of(2, event::out));
  EXPECT_TRUE(is_quiet(*other));
}

TEST_P(NotificationPortContract, N55DestructionForgetsRemovalsNotYetDelivered) {
  const auto other = make_port();
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::out)));
  holder holding(port());
  ASSERT_TRUE(holding.has_taken());
  ASSERT_FALSE(port().apply(remove(*pair.near)));
  end_port();
  holding.join();
  EXPECT_FALSE(other->apply(arm(*pair.near, 2, interest::in)));
  EXPECT_TRUE(is_quiet(*other));
}

TEST_P(NotificationPortContract, N55ThreadMayOutliveManyPortsItWaitedOn) {
  const auto pair = make_link();
  for (std::uint64_t key = 1; key <= 200; ++key) {
    const auto made = make_port();
    ASSERT_FALSE(made->apply(arm(*pair.near, key, interest::out)));
    EXPECT_EQ(next(*made), packet_of(key, event::out));
  }
}

}  // namespace
}  // namespace switchboard::notify
