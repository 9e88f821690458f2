#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <switchboard/rooms/tail.hpp>

namespace switchboard::rooms {
namespace {

tail::entry message(std::uint64_t sequence, std::size_t size = 4) {
  return {wire::shared_bytes{std::string(size, 'm')}, sequence, 0, 0};
}

tail::entry change(std::uint64_t after, std::uint64_t number) {
  return {wire::shared_bytes{"change"}, after, number, 1};
}

/// As large from the first chunk on, so that places are easy to count.
tail_limits whole_chunks(tail_limits limits) {
  limits.first_chunk_entries = tail::chunk_entries;
  return limits;
}

void append_messages(tail& to, std::uint64_t from, std::uint64_t last, std::size_t size = 4) {
  for (auto sequence = from; sequence <= last; ++sequence) to.append(message(sequence, size));
  to.publish();
}

/// The entries from a place to the head, as a reader walks them: "1 2 c7 3".
std::string walk(const tail& in, tail::place from) {
  std::string seen;
  while (from.position < in.head()) {
    if (from.index == from.in->closed_at) {
      auto next = from.in->next.lock();
      if (!next) return seen + "lost";
      from.in = std::move(next);
      from.index = 0;
    }
    const auto& each = from.in->entries[from.index++];
    seen += (each.change ? "c" + std::to_string(each.change) : std::to_string(each.sequence)) + " ";
    ++from.position;
  }
  return seen;
}

TEST(Tail, ShowsNothingBeforeItIsPublished) {
  tail subject{0};
  subject.append(message(1));
  EXPECT_EQ(subject.head(), 0u);
  EXPECT_EQ(subject.last_sequence(), 0u);
  subject.publish();
  EXPECT_EQ(subject.head(), 1u);
  EXPECT_EQ(subject.last_sequence(), 1u);
}

TEST(Tail, StartsBehindWhatTheLogHolds) {
  tail subject{41};
  EXPECT_EQ(subject.last_sequence(), 41u);
  EXPECT_FALSE(subject.after(40));
  ASSERT_TRUE(subject.after(41));
  append_messages(subject, 42, 42);
  EXPECT_EQ(walk(subject, *subject.after(41)), "42 ");
}

TEST(Tail, GivesItsHeadAsThePlaceWhileItHoldsNothing) {
  const tail subject{0};
  const auto place = subject.after(0);
  ASSERT_TRUE(place);
  EXPECT_EQ(place->in, nullptr);
  EXPECT_EQ(place->position, subject.head());
}

TEST(Tail, FindsThePlaceBehindEveryMessage) {
  constexpr std::uint64_t last = 5 * tail::chunk_entries + 3;
  tail subject{0};
  append_messages(subject, 1, last);
  for (std::uint64_t sequence = 0; sequence <= last; ++sequence) {
    const auto place = subject.after(sequence);
    ASSERT_TRUE(place) << sequence;
    EXPECT_EQ(place->position, sequence);
    if (sequence == last) continue;
    EXPECT_EQ(walk(subject, *place).rfind(std::to_string(sequence + 1) + " ", 0), 0u) << sequence;
  }
}

TEST(Tail, FindsThePlaceBeforePresenceChangesPlacedThere) {
  tail subject{0};
  subject.append(change(0, 1));
  subject.append(message(1));
  subject.append(change(1, 2));
  subject.append(change(1, 3));
  subject.append(message(2));
  subject.publish();
  EXPECT_EQ(walk(subject, *subject.after(0)), "c1 1 c2 c3 2 ");
  EXPECT_EQ(walk(subject, *subject.after(1)), "c2 c3 2 ");
  EXPECT_EQ(walk(subject, *subject.after(2)), "");
}

TEST(Tail, FindsThePlaceBeforeChangesThatBeganAChunk) {
  tail subject{0};
  append_messages(subject, 1, tail::chunk_entries);
  for (std::uint64_t number = 1; number <= tail::chunk_entries + 1; ++number)
    subject.append(change(tail::chunk_entries, number));
  append_messages(subject, tail::chunk_entries + 1, tail::chunk_entries + 1);
  EXPECT_EQ(walk(subject, *subject.after(tail::chunk_entries)).substr(0, 9), "c1 c2 c3 ");
}

TEST(Tail, LosesWholeChunksPastItsEntries) {
  tail subject{0, whole_chunks({.entries = 2 * tail::chunk_entries})};
  append_messages(subject, 1, 3 * tail::chunk_entries + 1);
  EXPECT_FALSE(subject.after(0));
  EXPECT_FALSE(subject.after(tail::chunk_entries - 1));
  ASSERT_TRUE(subject.after(tail::chunk_entries));
  EXPECT_EQ(walk(subject, *subject.after(3 * tail::chunk_entries)), std::to_string(3 * tail::chunk_entries + 1) + " ");
}

TEST(Tail, LosesWholeChunksPastItsBytes) {
  tail subject{0, {.bytes = 300, .chunk_bytes = 100}};
  append_messages(subject, 1, 10, 50);
  EXPECT_FALSE(subject.after(0));
  EXPECT_TRUE(subject.after(6));
}

TEST(Tail, ClosesAChunkAtItsBytes) {
  tail subject{0, {.chunk_bytes = 100}};
  append_messages(subject, 1, 3, 40);
  const auto first = subject.after(0)->in;
  EXPECT_EQ(first->closed_at, 2u);
  EXPECT_EQ(walk(subject, *subject.after(0)), "1 2 3 ");
}

TEST(Tail, TakesAnEntryAboveAChunksBytesAlone) {
  tail subject{0, {.chunk_bytes = 100}};
  append_messages(subject, 1, 3, 1000);
  EXPECT_EQ(walk(subject, *subject.after(0)), "1 2 3 ");
}

TEST(Tail, LeavesAReaderThatStandsStillOnlyItsChunk) {
  tail subject{0, whole_chunks({.entries = tail::chunk_entries})};
  append_messages(subject, 1, 1);
  const auto place = *subject.after(0);
  append_messages(subject, 2, 4 * tail::chunk_entries);
  EXPECT_EQ(place.in.use_count(), 1);
  EXPECT_TRUE(place.in->next.expired());
  EXPECT_EQ(walk(subject, place).substr(0, 4), "1 2 ");
  EXPECT_NE(walk(subject, place).find("lost"), std::string::npos);
}

TEST(Tail, FreesALongChainWithoutRecursion) {
  // Deep enough for a sanitizer's stack frames, were each chunk freed by the one before it.
  tail subject{0, {.entries = SIZE_MAX, .bytes = SIZE_MAX, .chunk_bytes = 1}};
  append_messages(subject, 1, 20'000);
  subject.clear();
  EXPECT_FALSE(subject.after(0));
}

TEST(Tail, GoesOnAfterItWasCleared) {
  tail subject{0};
  append_messages(subject, 1, 3);
  const auto place = *subject.after(3);
  subject.clear();
  EXPECT_FALSE(subject.after(2));
  EXPECT_TRUE(subject.after(3));
  append_messages(subject, 4, 5);
  EXPECT_EQ(walk(subject, *subject.after(3)), "4 5 ");
  EXPECT_EQ(walk(subject, place), "lost");
}

TEST(Tail, BeginsWithASmallChunkAndDoublesIt) {
  tail subject{0, {.first_chunk_entries = 4}};
  append_messages(subject, 1, 4 + 8 + 16 + 32 + 64 + 64 + 1);
  std::vector<std::uint32_t> capacities;
  for (auto chunk = subject.after(0)->in; chunk; chunk = chunk->next.lock()) capacities.push_back(chunk->capacity);
  EXPECT_EQ(capacities, (std::vector<std::uint32_t>{4, 8, 16, 32, 64, 64, 64}));
}

TEST(Tail, TakesLittleOfTheHeapForFewEntries) {
  tail subject{0};
  EXPECT_EQ(subject.footprint(), 0u);
  append_messages(subject, 1, 1);
  EXPECT_LT(subject.footprint(), 512u);
}

TEST(Tail, TakesWhatItsEntriesAndChunksTake) {
  tail subject{0, {.first_chunk_entries = 4}};
  append_messages(subject, 1, 4, 1000);
  const auto of_four = subject.footprint();
  EXPECT_GE(of_four, 4 * message(1, 1000).bytes.footprint() + 4 * sizeof(tail::entry));
  append_messages(subject, 5, 5, 1000);
  EXPECT_GE(subject.footprint(), of_four + message(1, 1000).bytes.footprint() + 8 * sizeof(tail::entry));
  subject.clear();
  EXPECT_EQ(subject.footprint(), 0u);
}

TEST(Tail, DropsItsOldestChunkWhenAsked) {
  tail subject{0, {.first_chunk_entries = 4}};
  append_messages(subject, 1, 5);
  EXPECT_TRUE(subject.drop_oldest());
  EXPECT_FALSE(subject.after(3));
  EXPECT_EQ(walk(subject, *subject.after(4)), "5 ");
}

TEST(Tail, SendsReadersOfADroppedLastChunkToTheLog) {
  tail subject{0};
  append_messages(subject, 1, 2);
  const auto place = *subject.after(1);
  EXPECT_TRUE(subject.drop_oldest());
  EXPECT_FALSE(subject.drop_oldest());
  EXPECT_EQ(subject.footprint(), 0u);
  append_messages(subject, 3, 3);
  EXPECT_EQ(walk(subject, place), "2 lost");
  EXPECT_FALSE(subject.after(1));
  EXPECT_EQ(walk(subject, *subject.after(2)), "3 ");
}

TEST(Tail, KeepsItsPlacesWhenWhatWasNotPublishedIsDropped) {
  tail subject{0};
  append_messages(subject, 1, 1);
  subject.append(message(2));
  EXPECT_TRUE(subject.drop_oldest());
  subject.publish();
  EXPECT_EQ(subject.head(), 2u);
  EXPECT_FALSE(subject.after(1));
  EXPECT_EQ(subject.after(2)->position, 2u);
}

TEST(Tail, IsReadWhileAnotherThreadDropsItsChunks) {
  constexpr std::uint64_t last = 100'000;
  tail subject{0};
  std::jthread dropper([&subject](const std::stop_token& ended) {
    while (!ended.stop_requested()) {
      subject.drop_oldest();
      std::this_thread::yield();
    }
  });
  std::jthread reader([&subject](const std::stop_token& ended) {
    while (!ended.stop_requested()) {
      const auto from = subject.last_sequence();
      const auto place = subject.after(from);
      if (!place || !place->in || place->index == place->in->closed_at || place->position >= subject.head()) continue;
      ASSERT_GT(place->in->entries[place->index].sequence, from);
    }
  });
  for (std::uint64_t sequence = 1; sequence <= last; ++sequence) {
    subject.append(message(sequence));
    subject.publish();
  }
  EXPECT_EQ(subject.last_sequence(), last);
  dropper.request_stop();
  dropper.join();
  subject.clear();
  EXPECT_EQ(subject.footprint(), 0u);
}

TEST(Tail, GivesReadersOnOtherThreadsEveryEntryOnceAndInOrder) {
  constexpr std::uint64_t last = 200'000;
  tail subject{0, {.entries = 4 * tail::chunk_entries}};
  const auto read_all = [&subject] {
    std::uint64_t expected = 1;
    while (expected <= last) {
      auto place = subject.after(expected - 1);
      if (!place) {
        // Overrun: on from what is there.
        expected = subject.last_sequence() + 1;
        continue;
      }
      while (place->position < subject.head()) {
        if (!place->in || place->index == place->in->closed_at) {
          auto next = place->in ? place->in->next.lock() : nullptr;
          if (!next) break;
          place->in = std::move(next);
          place->index = 0;
        }
        const auto& each = place->in->entries[place->index++];
        ++place->position;
        ASSERT_EQ(each.sequence, expected);
        ASSERT_EQ(each.bytes.view(), std::to_string(expected));
        ++expected;
      }
    }
  };
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) readers.emplace_back(read_all);
  for (std::uint64_t sequence = 1; sequence <= last; ++sequence) {
    subject.append({wire::shared_bytes{std::to_string(sequence)}, sequence, 0, 0});
    if (sequence % 7 == 0 || sequence == last) subject.publish();
  }
  for (auto& each : readers) each.join();
}

}  // namespace
}  // namespace switchboard::rooms
