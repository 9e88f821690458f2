#include "../notification_port_contract.hpp"

#include <atomic>
#include <csignal>
#include <deque>
#include <filesystem>
#include <iterator>
#include <set>

#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <unistd.h>

/// What needs Linux's own means: limits of descriptors, signals, and sight of sleeping threads.

namespace switchboard::notify {
namespace {

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

/// The process may have no descriptor at or above `first` while this lives.
class descriptors_end_at {
public:
  explicit descriptors_end_at(int first) {
    getrlimit(RLIMIT_NOFILE, &before_);
    rlimit fewer = before_;
    fewer.rlim_cur = static_cast<rlim_t>(first);
    setrlimit(RLIMIT_NOFILE, &fewer);
  }
  ~descriptors_end_at() { setrlimit(RLIMIT_NOFILE, &before_); }

private:
  rlimit before_{};
};

int lowest_free_descriptor() {
  const int probe = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::close(probe);
  return probe;
}

TEST_P(NotificationPortOnLinux, N1FailedCreationLeavesNothingBehind) {
  const auto before = open_descriptors();
  // With one descriptor more each time, until they suffice.
  for (int available = 0;; ++available) {
    ASSERT_LT(available, 8);
    const auto made = [&] {
      const descriptors_end_at limit(lowest_free_descriptor() + available);
      return GetParam().make_port();
    }();
    if (made) break;
    EXPECT_TRUE(made.error());
    EXPECT_EQ(open_descriptors(), before);
  }
}

TEST_P(NotificationPortOnLinux, N1EndedPortLeavesNothingBehind) {
  const auto pair = make_link();
  const auto before = open_descriptors();
  {
    const auto other = make_port();
    ASSERT_FALSE(other->apply(arm(*pair.near, 1, interest::out)));
    EXPECT_TRUE(next(*other));
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST_P(NotificationPortOnLinux, N2WhatIsNoSocketFailsInItsOwnResult) {
  std::array<int, 2> pipe_ends{};
  ASSERT_EQ(::pipe2(pipe_ends.data(), O_CLOEXEC), 0);
  const int file = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  const int unused = lowest_free_descriptor();
  std::array requests{arm(static_cast<net::socket_handle>(pipe_ends[0]), 1, interest::in),
                      arm(static_cast<net::socket_handle>(file), 2, interest::in),
                      arm(static_cast<net::socket_handle>(unused), 3, interest::in),
                      arm(net::socket_handle::invalid, 4, interest::in),
                      arm(static_cast<net::socket_handle>(std::intptr_t{1} << 30), 5, interest::in)};
  const auto done = port().process(requests, {}, 0s);
  EXPECT_TRUE(done.has_value());
  for (const auto& each : requests) EXPECT_EQ(each.result, errc::not_a_socket) << "key " << each.key;
  EXPECT_TRUE(is_quiet(port()));
  for (const int each : {pipe_ends[0], pipe_ends[1], file}) ::close(each);
}

TEST_P(NotificationPortOnLinux, N17TransientFailurePassesOnRetry) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = 0;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto failed = GetParam().make_port();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_FALSE(failed.has_value());
  EXPECT_TRUE(GetParam().make_port().has_value());
}

TEST_P(NotificationPortOnLinux, N41InterruptionsDoNotShortenTheTimeout) {
  struct sigaction nothing {};
  struct sigaction before {};
  nothing.sa_handler = [](int) {};
  ASSERT_EQ(sigaction(SIGUSR1, &nothing, &before), 0);
  std::atomic<bool> done = false;
  std::jthread interrupted([&] {
    const auto start = port().now();
    EXPECT_EQ(next(port(), 60ms), std::nullopt);
    EXPECT_GE(port().now() - start, 60ms);
    done = true;
  });
  do pthread_kill(interrupted.native_handle(), SIGUSR1);
  while (!eventually([&] { return done.load(); }, 2ms));
  interrupted.join();
  sigaction(SIGUSR1, &before, nullptr);
}

TEST_P(NotificationPortOnLinux, N55DestructionReleasesEveryWaiterWithClosed) {
  constexpr std::size_t waiters = 4;
  auto& ending = port();
  std::atomic<std::size_t> closed = 0;
  std::deque<waiter> threads;
  for (std::size_t n = 0; n < waiters; ++n)
    threads.emplace_back([&, n] {
      std::array<packet, 4> out;
      closed += ending.wait(out, n % 2 ? notification_port::infinite : patience).error() == errc::closed;
    });
  for (const auto& each : threads) ASSERT_TRUE(each.is_asleep());
  end_port();
  threads.clear();
  EXPECT_EQ(closed, waiters);
}

TEST_P(NotificationPortOnLinux, N44PostWakesASleeperAlsoAfterOneCameTogetherWithAnAcceptAndRoomForOne) {
  const auto listener = listen();
  ASSERT_FALSE(port().apply(arm(listener->handle(), 1, interest::none)));
  for (int round = 0; round < 50; ++round) {
    ASSERT_FALSE(port().async_accept(listener->handle(), 2));
    const auto client = std::move(*GetParam().network().connect(listener->local()));
    std::jthread poster{[&] { EXPECT_FALSE(port().post(3, 0)); }};
    for (std::set<std::uint64_t> seen; seen != std::set<std::uint64_t>{2, 3};) {
      const auto came = next(port());
      ASSERT_TRUE(came) << "round " << round;
      if (came->key == 2) {
        EXPECT_TRUE(accept_completed(came, 2));
      }
      seen.insert(came->key);
    }
    poster.join();
    std::optional<packet> woken_by;
    {
      const waiter sleeper{[&] { woken_by = next(port(), 2s); }};
      ASSERT_TRUE(sleeper.is_asleep());
      EXPECT_FALSE(port().post(4, 0));
    }
    ASSERT_EQ(woken_by, packet_of(4, event{})) << "round " << round;
  }
}

}  // namespace
}  // namespace switchboard::notify
