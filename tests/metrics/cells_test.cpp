#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <switchboard/metrics/cells.hpp>

namespace switchboard::metrics {
namespace {

static_assert(rows_per_block * sizeof(cell) % alignof(cell_block) == 0, "columns must not share a cache line");

constexpr std::uint64_t rounds = 10'000;

/// Where threads wait until all of them have come. Not std::barrier, which with libstdc++ 12 can sleep through its completion
/// where there is no futex.
class meeting {
public:
  explicit meeting(std::size_t expected) : missing_(expected) {}

  void arrive_and_wait() {
    std::unique_lock hold(lock_);
    if (--missing_ == 0) complete_.notify_all();
    complete_.wait(hold, [this] { return missing_ == 0; });
  }

private:
  std::mutex lock_;
  std::condition_variable complete_;
  std::size_t missing_;
};

struct Cells : testing::Test {
  std::unique_ptr<cell_block> block = std::make_unique<cell_block>();
  cell* row = block->take(1);
};

TEST_F(Cells, AThreadCountsInAColumnOfItsOwn) {
  meeting both_count{2};
  std::vector<std::size_t> used(2, shared_column);
  std::vector<std::jthread> threads;
  for (auto& column : used)
    threads.emplace_back([&] {
      add(row, 1);
      column = this_column;
      both_count.arrive_and_wait();
    });
  threads.clear();
  EXPECT_NE(used[0], shared_column);
  EXPECT_NE(used[1], shared_column);
  EXPECT_NE(used[0], used[1]);
  EXPECT_EQ(sum(row), 2u);
}

TEST_F(Cells, MoreThreadsThanColumnsLoseNothing) {
  constexpr std::size_t threads_at_once = columns + 20;
  meeting all_hold_columns{threads_at_once};
  std::atomic<int> without_column{0};
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < threads_at_once; ++i)
      threads.emplace_back([&] {
        add(row, 1);
        all_hold_columns.arrive_and_wait();
        if (this_column == shared_column) ++without_column;
        for (std::uint64_t n = 1; n < rounds; ++n) add(row, 1);
      });
  }
  EXPECT_GE(without_column.load(), 21);
  EXPECT_EQ(sum(row), std::uint64_t{threads_at_once} * rounds);
}

TEST_F(Cells, WhatAThreadCountedOutlivesIt) {
  for (std::uint64_t n = 0; n < 4 * columns; ++n)
    std::thread([&] {
      add(row, 1);
      EXPECT_NE(this_column, shared_column) << "thread " << n << " found no column: an earlier one kept its own";
    }).join();
  EXPECT_EQ(sum(row), 4 * columns);
}

TEST_F(Cells, DestructorsOfAThreadCountAfterItReturnedItsColumn) {
  // Not a member: g++ for Windows may have freed what a thread's objects are in.
  static cell* into;
  struct counts_at_the_end {
    ~counts_at_the_end() { add(into, 1); }
  };
  into = row;
  std::thread([&] {
    // Made before the first count takes a column, so it goes after the column does.
    thread_local counts_at_the_end last;
    (void)&last;
    add(row, 1);
  }).join();
  EXPECT_EQ(sum(row), 2u);
}

TEST_F(Cells, ASumReadMeanwhileNeverFalls) {
  std::atomic<bool> done{false};
  std::jthread counting([&] {
    for (std::uint64_t n = 0; n < 100 * rounds; ++n) add(row, 1);
    done = true;
  });
  for (std::uint64_t before = 0; !done;) {
    const auto now = sum(row);
    ASSERT_GE(now, before);
    before = now;
  }
}

TEST_F(Cells, ABlockGivesEachRowOnce) {
  auto* const next = block->take(3);
  EXPECT_EQ(next, row + 1);
  EXPECT_EQ(block->take(rows_per_block - 3), nullptr);
  EXPECT_EQ(block->take(rows_per_block - 4), row + 4);
  EXPECT_EQ(block->take(1), nullptr);
}

}  // namespace
}  // namespace switchboard::metrics
