#include <map>
#include <random>

#include <gtest/gtest.h>

#include <switchboard/actors/call_table.hpp>

namespace switchboard {
namespace {

open_call call(std::uint64_t number) {
  open_call made;
  made.number = number;
  return made;
}

TEST(CallTable, FindsOpenCallsOnly) {
  call_table calls;
  calls.open(call(1));
  calls.open(call(7));
  ASSERT_NE(calls.find(7), nullptr);
  EXPECT_EQ(calls.find(3), nullptr);
  calls.close(*calls.find(1));
  EXPECT_EQ(calls.find(1), nullptr);
  EXPECT_EQ(calls.size(), 1u);
}

TEST(CallTable, AgreesWithAMapWhateverTheOrderOfEnds) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random{seed};
  call_table calls;
  std::map<std::uint64_t, bool> open;
  std::uint64_t next = 1;
  for (int step = 0; step < 20'000; ++step) {
    if (open.empty() || random() % 5 < 2) {
      next += 2 * (1 + random() % 3);
      calls.open(call(next));
      open[next] = true;
    } else {
      auto victim = open.lower_bound(random() % next);
      if (victim == open.end()) victim = open.begin();
      calls.close(*calls.find(victim->first));
      open.erase(victim);
    }
    ASSERT_EQ(calls.size(), open.size());
  }
  std::vector<std::uint64_t> numbers;
  calls.for_each([&](const open_call& each) { numbers.push_back(each.number); });
  ASSERT_EQ(numbers.size(), open.size());
  for (const auto number : numbers) EXPECT_TRUE(open.contains(number));
}

}  // namespace
}  // namespace switchboard
