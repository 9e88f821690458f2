#include <cstddef>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include <switchboard/budget/account.hpp>
#include <switchboard/server/heap_trimmer.hpp>

namespace switchboard {
namespace {

constexpr std::size_t mib = std::size_t{1} << 20;
constexpr auto worth = heap_trimmer::worth_returning_bytes;

/// A process that holds so much, and a ledger that has some of it.
struct HeapTrimmer : testing::Test {
  const std::shared_ptr<budget::ledger> memory = std::make_shared<budget::ledger>(1024 * mib);
  budget::account rooms{memory, budget::owner::room};
  std::size_t held = 16 * mib;
  heap_trimmer freed{*memory, [this] { return held; }};
};

TEST_F(HeapTrimmer, WalksTheHeapWhenTheProcessHoldsMuchMoreBesideTheLedger) {
  held += worth - 1;
  EXPECT_FALSE(freed.look());
  held += 1;
  EXPECT_TRUE(freed.look());
}

TEST_F(HeapTrimmer, LeavesTheHeapAloneForWhatIsOnTheLedger) {
  rooms.charge(4 * worth);
  held += 4 * worth;
  EXPECT_FALSE(freed.look());
  rooms.release(4 * worth);
  EXPECT_TRUE(freed.look());
}

TEST_F(HeapTrimmer, WalksNotAgainForWhatAWalkDidNotReturn) {
  held += 2 * worth;
  EXPECT_TRUE(freed.look());
  EXPECT_FALSE(freed.look());
  held += worth;
  EXPECT_TRUE(freed.look());
}

TEST_F(HeapTrimmer, ComparesWithTheLeastThatTheProcessHeldSinceTheWalk) {
  held += 2 * worth;
  EXPECT_TRUE(freed.look());
  held -= worth;
  EXPECT_FALSE(freed.look());
  held += worth;
  EXPECT_TRUE(freed.look());
}

TEST(AnonymousBytes, GrowWithWhatTheHeapHolds) {
  const auto before = anonymous_bytes();
  const std::vector<char> touched(64 * mib, 'x');
  EXPECT_GE(anonymous_bytes(), before + 60 * mib);
  EXPECT_EQ(touched.back(), 'x');
}

}  // namespace
}  // namespace switchboard
