#include <gtest/gtest.h>

#include <switchboard/rooms/sqlite/known_ids.hpp>

namespace switchboard::rooms::sqlite {
namespace {

/// Of about 16 KiB.
dedupe_window window_of(std::uint64_t sequence) {
  dedupe_window ids{10'000};
  for (int n = 0; n < 500; ++n) ids.remember(std::to_string(n), sequence);
  return ids;
}

class KnownIds : public testing::Test {
protected:
  const std::shared_ptr<room_memory> memory = std::make_shared<room_memory>(std::size_t{50} << 10);
  known_ids ids{memory};
};

TEST_F(KnownIds, GiveAWindowOnceUntilItIsKeptAgain) {
  ids.keep("r", window_of(7));
  EXPECT_TRUE(ids.has("r"));
  auto taken = ids.take("r");
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->find("0"), 7u);
  EXPECT_TRUE(ids.has("r")) << "they need not be read";
  EXPECT_FALSE(ids.take("r"));
  ids.keep("r", *std::move(taken));
  EXPECT_EQ(ids.take("r")->find("0"), 7u);
}

TEST_F(KnownIds, AreReleasedThatWereUsedLongestAgoWhereRoomsTakeTooMuch) {
  ids.keep("a", window_of(1));
  ids.keep("b", window_of(2));
  ids.keep("a", *ids.take("a"));
  ids.keep("c", window_of(3));
  ids.keep("d", window_of(4));
  EXPECT_LE(memory->used(), memory->limit());
  EXPECT_FALSE(ids.has("b"));
  EXPECT_TRUE(ids.has("d"));
}

TEST_F(KnownIds, CountWhileTheyAreTaken) {
  ids.keep("a", window_of(1));
  const auto taken = ids.take("a");
  ids.keep("b", window_of(2));
  EXPECT_GT(memory->used(), 2 * taken->footprint());
}

TEST_F(KnownIds, AreForgotten) {
  ids.keep("a", window_of(1));
  ids.keep("b", window_of(2));
  ids.forget("a");
  EXPECT_FALSE(ids.has("a"));
  EXPECT_TRUE(ids.has("b"));
  ids.clear();
  EXPECT_FALSE(ids.has("b"));
  EXPECT_LE(memory->used(), 2 * room_memory::step);
}

}  // namespace
}  // namespace switchboard::rooms::sqlite
