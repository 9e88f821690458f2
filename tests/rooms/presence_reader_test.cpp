// Which of the kept membership events a reader is given, and when.

#include <limits>

#include <gtest/gtest.h>

#include <switchboard/rooms/presence_reader.hpp>

namespace switchboard::rooms {
namespace {

constexpr auto no_end = std::numeric_limits<std::uint64_t>::max();

class PresenceReader : public testing::Test {
protected:
  /// Membership events, one after each of `count` messages from the first on.
  void place(std::uint64_t count, std::uint64_t membership = 1) {
    for (std::uint64_t n = 0; n < count; ++n) kept.place(++messages, membership, wire::shared_bytes{"x"});
  }
  /// The numbers of those it gives before message `before`.
  std::vector<std::uint64_t> given(presence_reader& by, std::uint64_t before, std::uint64_t end = no_end) {
    std::vector<std::uint64_t> numbers;
    by.fetch(before, end);
    do {
      while (const auto* const event = by.next(before)) numbers.push_back(event->number);
    } while (by.fetch_more(end));
    return numbers;
  }

  presence_window kept{100};
  std::uint64_t messages = 0;
};

TEST_F(PresenceReader, GivesThoseBeforeAMessageInOrderAndOnce) {
  place(5);
  presence_reader reader{kept, 2, 0};
  EXPECT_EQ(given(reader, 4), (std::vector<std::uint64_t>{2, 3}));
  EXPECT_EQ(given(reader, 4), std::vector<std::uint64_t>{});
  EXPECT_EQ(given(reader, 100), (std::vector<std::uint64_t>{4, 5}));
}

TEST_F(PresenceReader, GivesAllOfMoreThanItHoldsAtOnce) {
  place(3 * presence_reader::held_max + 1);
  presence_reader reader{kept, 1, 0};
  EXPECT_EQ(given(reader, no_end).size(), 3 * presence_reader::held_max + 1);
}

TEST_F(PresenceReader, LeavesOutItsOwn) {
  place(presence_reader::held_max + 3, 7);
  place(1, 8);
  presence_reader reader{kept, 1, 7};
  EXPECT_EQ(given(reader, no_end), std::vector<std::uint64_t>{presence_reader::held_max + 4});
}

TEST_F(PresenceReader, StopsWhereItsEventsEnd) {
  place(5);
  presence_reader reader{kept, 1, 0};
  EXPECT_EQ(given(reader, no_end, 3), (std::vector<std::uint64_t>{1, 2}));
}

TEST_F(PresenceReader, TakesAnEventOfTheTailOnceAndOnlyWhileItIsKept) {
  place(150);
  presence_reader reader{kept, 1, 7};
  EXPECT_FALSE(reader.takes(50, 1)) << "no longer kept";
  EXPECT_TRUE(reader.takes(60, 1));
  EXPECT_FALSE(reader.takes(60, 1));
  EXPECT_FALSE(reader.takes(61, 7)) << "its own";
  EXPECT_TRUE(reader.takes(62, 1));
}

}  // namespace
}  // namespace switchboard::rooms
