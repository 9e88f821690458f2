#include <set>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include <switchboard/rooms/memory_log.hpp>

namespace switchboard::rooms {
namespace {

constexpr std::size_t kib = 1024;

/// An entry is its body, so that bytes are easy to count.
wire::shared_bytes body_alone(const std::string&, std::uint64_t, const std::string& body) {
  return wire::shared_bytes{body};
}

memory_store store_with(memory_limits limits = {}) {
  return memory_store{body_alone, limits};
}

std::vector<append_result> append(log& to, std::vector<record> records) {
  std::vector<append_result> stored;
  to.append(std::move(records), [&](std::vector<append_result> results) { stored = std::move(results); });
  return stored;
}

append_result append(log& to, std::string body, std::string key = {}) {
  return append(to, std::vector{record{std::move(body), std::move(key)}}).at(0);
}

log_page read(log& from, std::uint64_t after, std::size_t limit = 1000, std::size_t bytes = 1'000'000) {
  log_page found;
  from.read({.after = after, .limit = limit, .bytes = bytes}, [&](log_page page) { found = std::move(page); });
  return found;
}

std::string bodies(const log_page& page) {
  std::string all;
  for (const auto& each : page.entries) all += std::to_string(each.sequence) + std::string(each.bytes.view()) + " ";
  return all;
}

TEST(MemoryLog, CountsSequencesFromOneWithoutGaps) {
  auto store = store_with();
  const auto log = store.open("r");
  EXPECT_EQ(append(*log, "a").sequence, 1u);
  const auto results = append(*log, {{"b", ""}, {"c", ""}});
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(results[0].sequence, 2u);
  EXPECT_EQ(results[1].sequence, 3u);
  EXPECT_EQ(log->extent().last, 3u);
}

TEST(MemoryLog, SaysThatMessagesAreInMemory) {
  auto store = store_with();
  const auto result = append(*store.open("r"), "a");
  EXPECT_TRUE(result.status.ok());
  EXPECT_EQ(result.safety, durability::memory);
  EXPECT_FALSE(result.duplicate);
}

TEST(MemoryLog, EncodesAnEntryFromRoomSequenceAndBody) {
  memory_store store{[](const std::string& room, std::uint64_t sequence, const std::string& body) {
    return wire::shared_bytes{room + "/" + std::to_string(sequence) + "/" + body};
  }};
  EXPECT_EQ(append(*store.open("lobby"), "hi").bytes.view(), "lobby/1/hi");
}

TEST(MemoryLog, SharesAnEntrysBytesWithItsReaders) {
  auto store = store_with();
  const auto log = store.open("r");
  const auto stored = append(*log, "a");
  EXPECT_EQ(read(*log, 0).entries.at(0).bytes.data(), stored.bytes.data());
}

TEST(MemoryLog, ReadsWhatComesAfterASequence) {
  auto store = store_with();
  const auto log = store.open("r");
  append(*log, {{"a", ""}, {"b", ""}, {"c", ""}});
  EXPECT_EQ(bodies(read(*log, 0)), "1a 2b 3c ");
  EXPECT_EQ(bodies(read(*log, 2)), "3c ");
}

TEST(MemoryLog, ReadsNothingBeyondTheLast) {
  auto store = store_with();
  const auto log = store.open("r");
  append(*log, "a");
  EXPECT_EQ(bodies(read(*log, 1)), "");
  EXPECT_EQ(bodies(read(*log, UINT64_MAX)), "");
  EXPECT_EQ(read(*log, UINT64_MAX).extent.last, 1u);
}

TEST(MemoryLog, CutsAPageAtItsLimit) {
  auto store = store_with();
  const auto log = store.open("r");
  append(*log, {{"a", ""}, {"b", ""}, {"c", ""}});
  EXPECT_EQ(bodies(read(*log, 0, 2)), "1a 2b ");
}

TEST(MemoryLog, CutsAPageAtItsBytesButGivesAtLeastOneEntry) {
  auto store = store_with();
  const auto log = store.open("r");
  append(*log, {{"aaaa", ""}, {"bbbb", ""}, {"cccc", ""}});
  EXPECT_EQ(bodies(read(*log, 0, 1000, 8)), "1aaaa 2bbbb ");
  EXPECT_EQ(bodies(read(*log, 0, 1000, 1)), "1aaaa ");
}

TEST(MemoryLog, HasAnIdOfItsOwn) {
  auto store = store_with();
  std::set<std::string> ids;
  for (int i = 0; i < 100; ++i) ids.insert(store.open("r" + std::to_string(i))->extent().id);
  EXPECT_EQ(ids.size(), 100u);
  for (const auto& id : ids) {
    EXPECT_EQ(id.size(), 32u);
    EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos) << id;
  }
}

TEST(MemoryLog, TrimsTheOldestPastItsNumberOfEntries) {
  auto store = store_with({.room_entries = 2});
  const auto log = store.open("r");
  append(*log, {{"a", ""}, {"b", ""}, {"c", ""}});
  EXPECT_EQ(log->extent().first, 2u);
  EXPECT_EQ(bodies(read(*log, 0)), "2b 3c ");
}

TEST(MemoryLog, TrimsTheOldestPastItsBytes) {
  auto store = store_with({.room_bytes = 8});
  const auto log = store.open("r");
  append(*log, "aaaa");
  append(*log, "bbbb");
  EXPECT_EQ(log->extent().first, 1u);
  append(*log, "c");
  EXPECT_EQ(bodies(read(*log, 0)), "2bbbb 3c ");
}

TEST(MemoryLog, GoesOnCountingWhenEverythingWasTrimmed) {
  auto store = store_with({.room_bytes = 2});
  const auto log = store.open("r");
  append(*log, "aaaa");
  EXPECT_EQ(log->extent().first, 2u);
  EXPECT_EQ(log->extent().last, 1u);
  EXPECT_EQ(append(*log, "b").sequence, 2u);
  EXPECT_EQ(bodies(read(*log, 0)), "2b ");
}

TEST(MemoryLog, TrimsTheLargestRoomPastWhatRoomsMayTake) {
  const auto memory = std::make_shared<room_memory>(100 * kib);
  memory_store store{body_alone, {}, memory};
  const auto large = store.open("large");
  const auto small = store.open("small");
  for (int i = 0; i < 80; ++i) append(*large, std::string(kib, 'l'));
  for (int i = 0; i < 5; ++i) append(*small, std::string(kib, 's'));
  EXPECT_EQ(large->extent().first, 1u);
  for (int i = 0; i < 20; ++i) append(*small, std::string(kib, 's'));
  EXPECT_GT(large->extent().first, 1u);
  EXPECT_EQ(small->extent().first, 1u);
  EXPECT_LE(memory->used(), memory->limit());
}

TEST(MemoryLog, CountsWhatShortMessagesAndIdsTakeBesideTheirBytes) {
  const auto memory = std::make_shared<room_memory>(std::size_t{1} << 30);
  memory_store store{body_alone, {}, memory};
  const auto log = store.open("r");
  constexpr std::size_t messages = 10'000;
  for (std::size_t i = 0; i < messages; ++i) append(*log, "x");
  const auto without_ids = memory->used();
  EXPECT_GE(without_ids, messages * 40);
  EXPECT_LE(without_ids, messages * 48);
  for (std::size_t i = 0; i < messages; ++i) append(*log, "x", std::string(100, 'k') + std::to_string(i));
  const auto of_ids = memory->used() - 2 * without_ids;
  EXPECT_GE(of_ids, messages * 24);
  EXPECT_LE(of_ids, messages * 48);
}

TEST(MemoryLog, ForgetsTheIdsOfTheLargestRoomOnlyWhenItsMessagesAreGone) {
  const auto memory = std::make_shared<room_memory>(40 * kib);
  memory_store store{body_alone, {}, memory};
  const auto log = store.open("r");
  append(*log, std::string(30 * kib, 'x'), "first");
  for (int i = 0; i < 200; ++i) append(*log, "x", std::to_string(i));
  EXPECT_GT(log->extent().first, 1u);
  EXPECT_TRUE(append(*log, "x", "first").duplicate) << "it made room for ids by its messages";
  for (int i = 0; i < 10'000; ++i) append(*log, "x", "more" + std::to_string(i));
  EXPECT_LE(memory->used(), memory->limit());
  EXPECT_FALSE(append(*log, "x", "first").duplicate);
  EXPECT_TRUE(append(*log, "x", "more9999").duplicate);
}

TEST(MemoryLog, CountsNothingOfALogThatIsGone) {
  const auto memory = std::make_shared<room_memory>(std::size_t{1} << 30);
  auto store = std::make_unique<memory_store>(body_alone, memory_limits{}, memory);
  auto kept = store->open("kept");
  append(*kept, "aaaa");
  const auto of_one = memory->used();
  append(*store->open("gone"), std::string(30 * kib, 'x'));
  EXPECT_GT(memory->used(), of_one + 30 * kib);
  store.reset();
  EXPECT_EQ(memory->used(), of_one);
}

TEST(MemoryLog, AnswersADuplicateWithTheFirstOnesSequence) {
  auto store = store_with();
  const auto log = store.open("r");
  append(*log, "a", "id");
  append(*log, "b");
  const auto again = append(*log, "a", "id");
  EXPECT_TRUE(again.duplicate);
  EXPECT_EQ(again.sequence, 1u);
  EXPECT_EQ(again.safety, durability::memory);
  EXPECT_EQ(log->extent().last, 2u);
}

TEST(MemoryLog, FindsADuplicateWithinOneBatch) {
  auto store = store_with();
  const auto results = append(*store.open("r"), {{"a", "id"}, {"a", "id"}, {"b", ""}});
  EXPECT_FALSE(results[0].duplicate);
  EXPECT_TRUE(results[1].duplicate);
  EXPECT_EQ(results[1].sequence, 1u);
  EXPECT_EQ(results[2].sequence, 2u);
}

TEST(MemoryLog, KnowsAnIdWhoseMessageWasTrimmed) {
  auto store = store_with({.room_entries = 1});
  const auto log = store.open("r");
  append(*log, "a", "id");
  append(*log, "b");
  EXPECT_EQ(append(*log, "a", "id").sequence, 1u);
}

TEST(MemoryLog, ForgetsTheOldestIdPastItsWindow) {
  auto store = store_with({.dedupe_window = 2});
  const auto log = store.open("r");
  append(*log, {{"a", "1"}, {"b", "2"}, {"c", "3"}});
  EXPECT_TRUE(append(*log, "b", "2").duplicate);
  EXPECT_FALSE(append(*log, "a", "1").duplicate);
}

TEST(MemoryLog, DoesNotRenewADuplicatesPlaceInTheWindow) {
  auto store = store_with({.dedupe_window = 2});
  const auto log = store.open("r");
  append(*log, {{"a", "1"}, {"b", "2"}});
  EXPECT_TRUE(append(*log, "a", "1").duplicate);
  append(*log, "c", "3");
  EXPECT_FALSE(append(*log, "a", "1").duplicate);
}

TEST(MemoryLog, KeepsIdsOfRoomsApart) {
  auto store = store_with();
  append(*store.open("one"), "a", "id");
  EXPECT_FALSE(append(*store.open("other"), "a", "id").duplicate);
}

TEST(MemoryStore, OpensTheSameLogAgain) {
  auto store = store_with();
  EXPECT_EQ(store.open("r"), store.open("r"));
  EXPECT_EQ(store.size(), 1u);
}

TEST(MemoryStore, FindsOnlyWhatWasOpened) {
  auto store = store_with();
  EXPECT_EQ(store.find("r"), nullptr);
  EXPECT_EQ(store.size(), 0u);
  const auto opened = store.open("r");
  EXPECT_EQ(store.find("r"), opened);
}

TEST(MemoryStore, ForgetsALogThatIsClosedWithoutAMessage) {
  auto store = store_with();
  const auto before = store.open("r")->extent().id;
  store.close("r");
  EXPECT_EQ(store.size(), 0u);
  EXPECT_NE(store.open("r")->extent().id, before);
}

TEST(MemoryStore, GoesOnWithALogThatWasClosedAndKnowsItsIds) {
  auto store = store_with({.room_entries = 1});
  append(*store.open("r"), {{"a", "id"}, {"b", ""}});
  const auto before = store.open("r");
  store.close("r");
  EXPECT_EQ(store.open("r"), before);
  EXPECT_EQ(append(*store.open("r"), "a", "id").sequence, 1u);
  EXPECT_EQ(append(*store.open("r"), "c").sequence, 3u);
}

TEST(MemoryStore, NamesItsRoomsInBytewiseOrder) {
  auto store = store_with();
  for (const auto* name : {"b", "a", "Z", "a-", "10", "_"}) store.open(name);
  EXPECT_EQ(store.rooms("", 100), (std::vector<std::string>{"10", "Z", "_", "a", "a-", "b"}));
  EXPECT_EQ(store.rooms("a", 1), (std::vector<std::string>{"a-"}));
  EXPECT_EQ(store.rooms("b", 100), std::vector<std::string>{});
}

TEST(MemoryStore, KeepsItsTotalWhileManyThreadsAppendAndRead) {
  constexpr int rooms = 4;
  constexpr int appends = 2000;
  const auto memory = std::make_shared<room_memory>(48 * kib);
  memory_store store{body_alone, {.room_entries = 500, .dedupe_window = 100}, memory};
  std::vector<std::thread> threads;
  for (int i = 0; i < rooms; ++i) {
    threads.emplace_back([&store, i] {
      const auto log = store.open("r" + std::to_string(i));
      for (int n = 0; n < appends; ++n) append(*log, "body", std::to_string(n));
    });
    threads.emplace_back([&store, i] {
      const auto log = store.open("r" + std::to_string(i));
      std::uint64_t place = 0;
      while (place < appends) {
        const auto page = read(*log, place, 64);
        for (const auto& each : page.entries) {
          ASSERT_GT(each.sequence, place);
          place = each.sequence;
        }
        // Everything may have been trimmed before it was read.
        place = std::max(place, page.extent.first - 1);
      }
    });
  }
  for (auto& each : threads) each.join();
  std::size_t bytes = 0;
  for (const auto& name : store.rooms("", 100)) {
    const auto log = store.find(name);
    EXPECT_EQ(log->extent().last, static_cast<std::uint64_t>(appends));
    for (const auto& entry : read(*log, 0, appends).entries) bytes += entry.bytes.size();
  }
  EXPECT_LE(bytes, 48 * kib);
  EXPECT_LE(memory->used(), memory->limit());
}

}  // namespace
}  // namespace switchboard::rooms
