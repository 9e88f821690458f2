// What is said of numbered messages that do not arrive each once and in order.

#include "measure/sequence_check.hpp"

#include <gtest/gtest.h>

namespace switchboard::bench {
namespace {

faults wrong_with(std::initializer_list<std::uint64_t> arriving) {
  faults wrong;
  sequence_check check;
  for (const auto each : arriving) check.take(each, wrong);
  return wrong;
}

TEST(SequenceCheck, FindsNothingWrongWithAllInOrder) {
  EXPECT_EQ(wrong_with({0, 1, 2, 3}), faults{});
}

TEST(SequenceCheck, CountsEachThatIsSkippedAsLost) {
  EXPECT_EQ(wrong_with({0, 3, 5}), (faults{.lost = 3}));
}

TEST(SequenceCheck, CountsOneThatComesAgainAsDuplicated) {
  EXPECT_EQ(wrong_with({0, 1, 1, 0}), (faults{.duplicated = 2}));
}

TEST(SequenceCheck, CountsOneThatComesLateAsReorderedAndNotAsLost) {
  EXPECT_EQ(wrong_with({0, 2, 1, 3}), (faults{.reordered = 1}));
}

TEST(SequenceCheck, AccountsForEachNumberOnce) {
  faults wrong;
  sequence_check check;
  EXPECT_EQ(check.take(0, wrong), 1u);
  EXPECT_EQ(check.take(3, wrong), 3u);  // itself and the two that are skipped
  EXPECT_EQ(check.take(2, wrong), 0u);
  EXPECT_EQ(check.take(2, wrong), 0u);
}

TEST(SequenceCheck, RemembersABoundedNumberOfThoseMissing) {
  faults wrong;
  sequence_check check;
  check.take(1'000'000'000, wrong);
  EXPECT_EQ(wrong.lost, 1'000'000'000u);
  check.take(5, wrong);
  EXPECT_EQ(wrong.duplicated, 1u);
}

TEST(Faults, SayWhichThereWereAndHowMany) {
  EXPECT_EQ((faults{.lost = 3, .reordered = 1}).to_string(), "3 lost, 1 reordered");
  EXPECT_EQ(faults{}.to_string(), "");
}

}  // namespace
}  // namespace switchboard::bench
