#include <array>
#include <vector>

#include <gtest/gtest.h>

#include <switchboard/client/backoff.hpp>

namespace switchboard::client {
namespace {

using namespace std::chrono_literals;

std::vector<clock::duration> waits(backoff from, int count) {
  std::vector<clock::duration> drawn;
  for (int i = 0; i < count; ++i) drawn.push_back(from.next());
  return drawn;
}

TEST(Backoff, DrawsTheSameWaitsForTheSameSeed) {
  EXPECT_EQ(waits(backoff{{}, 7}, 20), waits(backoff{{}, 7}, 20));
  EXPECT_NE(waits(backoff{{}, 7}, 20), waits(backoff{{}, 8}, 20));
}

TEST(Backoff, DoublesItsBoundUpToTheCap) {
  constexpr backoff::bounds bounds{.first = 100ms, .cap = 1s};
  std::vector<clock::duration> longest(6, 0ns);
  for (std::uint32_t seed = 1; seed <= 2'000; ++seed) {
    const auto drawn = waits(backoff{bounds, seed}, 6);
    for (std::size_t i = 0; i < drawn.size(); ++i) longest[i] = std::max(longest[i], drawn[i]);
  }
  const std::vector<clock::duration> bound{100ms, 200ms, 400ms, 800ms, 1s, 1s};
  for (std::size_t i = 0; i < bound.size(); ++i) {
    EXPECT_LE(longest[i], bound[i]) << i;
    EXPECT_GT(longest[i], bound[i] * 9 / 10) << i;
  }
}

TEST(Backoff, DrawsFromTheWholeRange) {
  std::array<int, 10> tenths{};
  for (std::uint32_t seed = 1; seed <= 2'000; ++seed)
    ++tenths[static_cast<std::size_t>(std::min<clock::rep>(backoff({.first = 1s, .cap = 1s}, seed).next() / 100ms, 9))];
  for (const auto count : tenths) EXPECT_GT(count, 100);
}

TEST(Backoff, BeginsAnewAfterASuccess) {
  backoff pauses{{.first = 10ms, .cap = 10s}, 3};
  for (int i = 0; i < 20; ++i) (void)pauses.next();
  pauses.reset();
  EXPECT_LE(pauses.next(), 10ms);
}

TEST(Backoff, NeverPassesACapBelowTheFirstBound) {
  for (const auto each : waits(backoff{{.first = 1h, .cap = 5ms}, 1}, 50)) EXPECT_LE(each, 5ms);
}

}  // namespace
}  // namespace switchboard::client
