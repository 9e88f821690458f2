#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <switchboard/wire/thread_stock.hpp>

namespace switchboard::wire {
namespace {

// A type of its own for each test, and so a stock that no other test has filled.
template <int>
struct item {
  std::uint64_t content = 0;
};
template <int Test>
using items = std::vector<item<Test>>;

TEST(ThreadStock, GivesOutTheRoomThatWasGivenBackEmptied) {
  using stock = thread_stock<items<0>>;
  items<0> used(100);
  const auto* const place = used.data();
  stock::give_back(std::move(used));
  const auto again = stock::take();
  EXPECT_TRUE(again.empty());
  EXPECT_GE(again.capacity(), 100u);
  EXPECT_EQ(again.data(), place);
  EXPECT_EQ(stock::take().capacity(), 0u) << "there was one";
}

TEST(ThreadStock, KeepsACountAtMost) {
  using stock = thread_stock<items<1>>;
  for (std::size_t i = 0; i != stock::count_kept + 10; ++i) stock::give_back(items<1>(2));
  std::size_t kept = 0;
  while (stock::take().capacity() != 0) ++kept;
  EXPECT_EQ(kept, stock::count_kept);
}

TEST(ThreadStock, KeepsBytesAtMost) {
  using stock = thread_stock<items<2>>;
  constexpr auto large = stock::one_bytes_max / sizeof(item<2>);
  stock::give_back(items<2>(large + 1));
  EXPECT_EQ(stock::take().capacity(), 0u) << "one above the limit is not kept";
  for (std::size_t i = 0; i != stock::count_kept; ++i) stock::give_back(items<2>(large));
  std::size_t kept = 0;
  while (stock::take().capacity() != 0) ++kept;
  EXPECT_EQ(kept, stock::all_bytes_max / stock::one_bytes_max);
}

TEST(ThreadStock, IsTheThreadsOwn) {
  using stock = thread_stock<items<3>>;
  stock::give_back(items<3>(10));
  std::size_t elsewhere = 1;
  std::thread([&] { elsewhere = stock::take().capacity(); }).join();
  EXPECT_EQ(elsewhere, 0u);
  EXPECT_NE(stock::take().capacity(), 0u);
}

}  // namespace
}  // namespace switchboard::wire
