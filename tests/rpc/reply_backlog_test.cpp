#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include <switchboard/rpc/reply_backlog.hpp>

namespace switchboard::rpc {
namespace {

TEST(ReplyBacklog, HoldsBackAboveItsLimitOnly) {
  reply_backlog backlog{100};
  backlog.sent(60);
  backlog.queued(40);
  EXPECT_FALSE(backlog.full());
  backlog.sent(1);
  EXPECT_TRUE(backlog.full());
  backlog.arrived(61);
  EXPECT_FALSE(backlog.full());
}

TEST(ReplyBacklog, HoldsNothingBackOnceClosed) {
  reply_backlog backlog{100};
  backlog.queued(101);
  ASSERT_TRUE(backlog.wait(nullptr));
  backlog.close();
  EXPECT_EQ(backlog.take_waiting().size(), 1u);
  EXPECT_FALSE(backlog.wait(nullptr));
}

TEST(ReplyBacklog, LosesNoWaiterWhoComesWhileTheLastBytesLeave) {
  reply_backlog backlog{100};
  std::atomic<int> round{0};
  std::atomic<int> waited_in{0};
  std::atomic<bool> waited{false};
  constexpr int rounds = 2'000;
  std::thread host([&] {
    for (int i = 1; i <= rounds; ++i) {
      while (round.load() < i) continue;
      waited.store(backlog.wait(nullptr));
      waited_in.store(i);
    }
  });
  int lost = 0;
  for (int i = 1; i <= rounds; ++i) {
    backlog.queued(101);
    round.store(i);
    // Sweeps over the moments at which the last bytes may leave while the host makes up its mind.
    for (std::atomic<int> moment{0}; moment < i % 100; ++moment) continue;
    backlog.queued(0);
    const auto taken = backlog.take_waiting().size();
    while (waited_in.load() < i) std::this_thread::yield();
    lost += waited.load() && taken == 0;
  }
  host.join();
  EXPECT_EQ(lost, 0);
}

}  // namespace
}  // namespace switchboard::rpc
