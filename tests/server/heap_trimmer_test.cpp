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

TEST_F(HeapTrimmer, WalksAgainForWhatIsFreedLater) {
  held += worth;
  std::vector<unsigned> walks;
  for (unsigned look = 1; look <= 4 * heap_trimmer::looks_after_much; ++look)
    if (freed.look()) walks.push_back(look);
  EXPECT_EQ(walks, (std::vector<unsigned>{1, 2, 4, 8, 16, 32, 64}));
}

TEST_F(HeapTrimmer, ComparesWithTheLeastThatTheProcessHeldSinceTheWalk) {
  held += 2 * worth;
  const auto looks_on = [this] {
    bool walked = false;
    for (unsigned look = 0; look < heap_trimmer::looks_after_much; ++look) walked = freed.look() || walked;
    return walked;
  };
  EXPECT_TRUE(looks_on());
  EXPECT_FALSE(looks_on()) << "what walks did not return is in use";
  held -= worth;
  EXPECT_FALSE(looks_on());
  held += worth;
  EXPECT_TRUE(looks_on());
}

TEST(AnonymousBytes, GrowWithWhatTheHeapHolds) {
  const auto before = anonymous_bytes();
  const std::vector<char> touched(64 * mib, 'x');
  EXPECT_GE(anonymous_bytes(), before + 60 * mib);
  EXPECT_EQ(touched.back(), 'x');
}

}  // namespace
}  // namespace switchboard
