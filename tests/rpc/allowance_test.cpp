#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include <switchboard/rpc/allowance.hpp>

namespace switchboard::rpc {
namespace {

TEST(Allowance, IsUsedUpAboveItsBoundOnly) {
  allowance own{100};
  own.sent(60);
  own.output(40);
  EXPECT_FALSE(own.used_up());
  own.sent(1);
  EXPECT_TRUE(own.used_up());
  own.arrived(61);
  EXPECT_FALSE(own.used_up());
}

TEST(Allowance, HoldsNothingBackOnceClosed) {
  allowance own{100};
  own.output(101);
  ASSERT_TRUE(own.wait(nullptr));
  own.close();
  EXPECT_EQ(own.take_waiting().size(), 1u);
  EXPECT_FALSE(own.wait(nullptr));
}

TEST(Allowance, LosesNoWaiterWhoComesWhileTheLastBytesLeave) {
  allowance own{100};
  std::atomic<int> round{0};
  std::atomic<int> waited_in{0};
  std::atomic<bool> waited{false};
  constexpr int rounds = 2'000;
  std::thread host([&] {
    for (int i = 1; i <= rounds; ++i) {
      while (round.load() < i) continue;
      waited.store(own.wait(nullptr));
      waited_in.store(i);
    }
  });
  int lost = 0;
  for (int i = 1; i <= rounds; ++i) {
    own.output(101);
    round.store(i);
    // Sweeps over the moments at which the last bytes may leave while the host makes up its mind.
    for (std::atomic<int> moment{0}; moment < i % 100; ++moment) continue;
    own.output(0);
    const auto taken = own.take_waiting().size();
    while (waited_in.load() < i) std::this_thread::yield();
    lost += waited.load() && taken == 0;
  }
  host.join();
  EXPECT_EQ(lost, 0);
}

}  // namespace
}  // namespace switchboard::rpc
