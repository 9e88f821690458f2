#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include <switchboard/budget/account.hpp>
#include <switchboard/server/heap_trimmer.hpp>

namespace switchboard {
namespace {

TEST(HeapTrimmer, WalksTheHeapAfterMuchWasReleasedAndAgainForWhatIsFreedLater) {
  const auto memory = std::make_shared<budget::ledger>(std::size_t{1} << 30);
  budget::account rooms{memory, budget::owner::room};
  heap_trimmer freed{*memory};
  EXPECT_FALSE(freed.look());
  rooms.charge(2 * heap_trimmer::worth_returning_bytes);
  EXPECT_FALSE(freed.look());
  rooms.release(heap_trimmer::worth_returning_bytes);
  std::vector<unsigned> walks;
  for (unsigned look = 1; look <= 4 * heap_trimmer::looks_after_release; ++look)
    if (freed.look()) walks.push_back(look);
  EXPECT_EQ(walks, (std::vector<unsigned>{1, 2, 4, 8, 16}));
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
