#include <algorithm>
#include <deque>
#include <iostream>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <switchboard/rooms/dedupe_window.hpp>

namespace switchboard::rooms {
namespace {

TEST(DedupeWindow, FindsWhatItRemembers) {
  dedupe_window known{10};
  EXPECT_EQ(known.find("a"), std::nullopt);
  known.remember("a", 7);
  known.remember("b", 8);
  EXPECT_EQ(known.find("a"), 7u);
  EXPECT_EQ(known.find("b"), 8u);
  EXPECT_EQ(known.find("c"), std::nullopt);
}

TEST(DedupeWindow, KeepsTheFirstPlaceOfAKnownId) {
  dedupe_window known{10};
  known.remember("a", 7);
  known.remember("a", 9);
  EXPECT_EQ(known.find("a"), 7u);
  EXPECT_EQ(known.size(), 1u);
}

TEST(DedupeWindow, RemembersNothingWithALimitOfZero) {
  dedupe_window known{0};
  known.remember("a", 1);
  EXPECT_EQ(known.find("a"), std::nullopt);
  EXPECT_EQ(known.footprint(), 0u);
}

TEST(DedupeWindow, TakesTheSameForIdsOfAnyLength) {
  dedupe_window of_short{10'000}, of_long{10'000};
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    of_short.remember(std::to_string(i), i);
    of_long.remember(std::string(120, 'k') + std::to_string(i), i);
  }
  EXPECT_EQ(of_short.footprint(), of_long.footprint());
  EXPECT_LE(of_long.footprint(), 10'000u * 36);
}

TEST(DedupeWindow, ForgetsItsOlderHalf) {
  dedupe_window known{100};
  for (std::uint64_t i = 0; i < 11; ++i) known.remember(std::to_string(i), i);
  const auto before = known.footprint();
  known.forget_half();
  EXPECT_EQ(known.size(), 5u);
  EXPECT_EQ(known.find("5"), std::nullopt);
  EXPECT_EQ(known.find("6"), 6u);
  EXPECT_EQ(known.sequence_at(0), 6u);
  EXPECT_LT(known.footprint(), before);
  while (known.size() > 0) known.forget_half();
  EXPECT_EQ(known.footprint(), 0u);
  known.remember("again", 1);
  EXPECT_EQ(known.find("again"), 1u);
}

TEST(DedupeWindowProperty, KnowsTheNewestIdsAsAListDoes) {
  const auto seed = std::random_device{}();
  std::cout << "seed " << seed << '\n';
  std::mt19937 dice{seed};
  for (const std::size_t limit : {1, 2, 3, 7, 64, 100}) {
    dedupe_window known{limit};
    std::deque<std::pair<std::string, std::uint64_t>> expected;
    const auto place = [&](const std::string& id) {
      return std::find_if(expected.begin(), expected.end(), [&](const auto& each) { return each.first == id; });
    };
    for (std::uint64_t sequence = 1; sequence <= 5'000; ++sequence) {
      const auto id = std::to_string(dice() % (3 * limit));
      const auto at = place(id);
      ASSERT_EQ(known.find(id), at == expected.end() ? std::nullopt : std::optional(at->second)) << "limit " << limit;
      known.remember(id, sequence);
      if (at == expected.end()) expected.emplace_back(id, sequence);
      if (expected.size() > limit) expected.pop_front();
      if (dice() % 500 == 0) {
        known.forget_half();
        expected.erase(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>((expected.size() + 1) / 2));
      }
      ASSERT_EQ(known.size(), expected.size());
      for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_EQ(known.sequence_at(i), expected[i].second);
    }
  }
}

}  // namespace
}  // namespace switchboard::rooms
