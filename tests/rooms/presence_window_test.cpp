#include <gtest/gtest.h>

#include <switchboard/rooms/presence_window.hpp>

namespace switchboard::rooms {
namespace {

std::uint64_t place(presence_window& in, std::uint64_t after) {
  return in.place(after, 1, wire::shared_bytes{"change"});
}

std::vector<std::uint64_t> numbers(const std::vector<presence_change>& changes) {
  std::vector<std::uint64_t> found;
  for (const auto& each : changes) found.push_back(each.number);
  return found;
}

TEST(PresenceWindow, NumbersChangesFromOne) {
  presence_window subject;
  EXPECT_EQ(subject.next_number(), 1u);
  EXPECT_EQ(place(subject, 0), 1u);
  EXPECT_EQ(place(subject, 5), 2u);
  EXPECT_EQ(subject.next_number(), 3u);
}

TEST(PresenceWindow, KeepsTheNewest) {
  presence_window subject{2};
  for (int i = 0; i < 5; ++i) place(subject, 0);
  EXPECT_EQ(subject.oldest(), 4u);
  EXPECT_EQ(numbers(subject.before(1, 0, UINT64_MAX)), (std::vector<std::uint64_t>{4, 5}));
}

TEST(PresenceWindow, FindsTheFirstChangePlacedAtASequenceOrLater) {
  presence_window subject;
  for (const auto after : {0, 3, 3, 7}) place(subject, static_cast<std::uint64_t>(after));
  EXPECT_EQ(subject.first_placed_at(0), 1u);
  EXPECT_EQ(subject.first_placed_at(1), 2u);
  EXPECT_EQ(subject.first_placed_at(3), 2u);
  EXPECT_EQ(subject.first_placed_at(4), 4u);
  EXPECT_EQ(subject.first_placed_at(8), subject.next_number());
}

TEST(PresenceWindow, GivesChangesBeforeAMessage) {
  presence_window subject;
  for (const auto after : {0, 3, 3, 7}) place(subject, static_cast<std::uint64_t>(after));
  EXPECT_EQ(numbers(subject.before(3, 1, UINT64_MAX)), (std::vector<std::uint64_t>{1}));
  EXPECT_EQ(numbers(subject.before(4, 2, UINT64_MAX)), (std::vector<std::uint64_t>{2, 3}));
  EXPECT_EQ(numbers(subject.before(100, 1, 3)), (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(numbers(subject.before(100, 5, UINT64_MAX)), std::vector<std::uint64_t>{});
}

}  // namespace
}  // namespace switchboard::rooms
