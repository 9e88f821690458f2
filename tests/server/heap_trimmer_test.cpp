#include <memory>

#include <gtest/gtest.h>

#include <switchboard/budget/account.hpp>
#include <switchboard/server/heap_trimmer.hpp>

namespace switchboard {
namespace {

TEST(HeapTrimmer, WalksTheHeapOnceAfterMuchWasReleased) {
  const auto memory = std::make_shared<budget::ledger>(std::size_t{1} << 30);
  budget::account rooms{memory, budget::owner::room};
  heap_trimmer freed{*memory};
  EXPECT_FALSE(freed.look());
  rooms.charge(2 * heap_trimmer::worth_returning_bytes);
  EXPECT_FALSE(freed.look());
  rooms.release(heap_trimmer::worth_returning_bytes);
  EXPECT_TRUE(freed.look());
  EXPECT_FALSE(freed.look());
}

TEST(HeapTrimmer, LeavesTheHeapAloneWhileLittleIsReleased) {
  const auto memory = std::make_shared<budget::ledger>(std::size_t{1} << 30);
  budget::account rooms{memory, budget::owner::room};
  heap_trimmer freed{*memory};
  for (int i = 0; i < 100; ++i) {
    rooms.charge(heap_trimmer::worth_returning_bytes / 2);
    EXPECT_FALSE(freed.look());
    rooms.release(heap_trimmer::worth_returning_bytes / 2);
    EXPECT_FALSE(freed.look());
  }
}

}  // namespace
}  // namespace switchboard
