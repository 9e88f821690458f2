#include <set>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include <switchboard/rooms/memory_log.hpp>

namespace switchboard {
namespace {

/// An entry is its body, so that bytes are easy to count.
wire::shared_bytes body_alone(const std::string&, std::uint64_t, const std::string& body) {
  return wire::shared_bytes{body};
}

memory_home home_with(memory_limits limits = {}) {
  return memory_home{body_alone, limits};
}

std::vector<append_result> append(log& to, std::vector<draft> drafts) {
  std::vector<append_result> stored;
  to.append(std::move(drafts), [&](std::vector<append_result> results) { stored = std::move(results); });
  return stored;
}

append_result append(log& to, std::string body, std::string key = {}) {
  return append(to, std::vector{draft{std::move(body), std::move(key)}}).at(0);
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
  auto home = home_with();
  const auto log = home.open("r");
  EXPECT_EQ(append(*log, "a").sequence, 1u);
  const auto results = append(*log, {{"b", ""}, {"c", ""}});
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(results[0].sequence, 2u);
  EXPECT_EQ(results[1].sequence, 3u);
  EXPECT_EQ(log->extent().last, 3u);
}

TEST(MemoryLog, SaysThatMessagesAreInMemory) {
  auto home = home_with();
  const auto result = append(*home.open("r"), "a");
  EXPECT_TRUE(result.status.ok());
  EXPECT_EQ(result.safety, durability::memory);
  EXPECT_FALSE(result.duplicate);
}

TEST(MemoryLog, EncodesAnEntryFromRoomSequenceAndBody) {
  memory_home home{[](const std::string& room, std::uint64_t sequence, const std::string& body) {
    return wire::shared_bytes{room + "/" + std::to_string(sequence) + "/" + body};
  }};
  EXPECT_EQ(append(*home.open("lobby"), "hi").bytes.view(), "lobby/1/hi");
}

TEST(MemoryLog, SharesAnEntrysBytesWithItsReaders) {
  auto home = home_with();
  const auto log = home.open("r");
  const auto stored = append(*log, "a");
  EXPECT_EQ(read(*log, 0).entries.at(0).bytes.data(), stored.bytes.data());
}

TEST(MemoryLog, ReadsWhatComesAfterASequence) {
  auto home = home_with();
  const auto log = home.open("r");
  append(*log, {{"a", ""}, {"b", ""}, {"c", ""}});
  EXPECT_EQ(bodies(read(*log, 0)), "1a 2b 3c ");
  EXPECT_EQ(bodies(read(*log, 2)), "3c ");
}

TEST(MemoryLog, ReadsNothingBeyondTheLast) {
  auto home = home_with();
  const auto log = home.open("r");
  append(*log, "a");
  EXPECT_EQ(bodies(read(*log, 1)), "");
  EXPECT_EQ(bodies(read(*log, UINT64_MAX)), "");
  EXPECT_EQ(read(*log, UINT64_MAX).extent.last, 1u);
}

TEST(MemoryLog, CutsAPageAtItsLimit) {
  auto home = home_with();
  const auto log = home.open("r");
  append(*log, {{"a", ""}, {"b", ""}, {"c", ""}});
  EXPECT_EQ(bodies(read(*log, 0, 2)), "1a 2b ");
}

TEST(MemoryLog, CutsAPageAtItsBytesButGivesAtLeastOneEntry) {
  auto home = home_with();
  const auto log = home.open("r");
  append(*log, {{"aaaa", ""}, {"bbbb", ""}, {"cccc", ""}});
  EXPECT_EQ(bodies(read(*log, 0, 1000, 8)), "1aaaa 2bbbb ");
  EXPECT_EQ(bodies(read(*log, 0, 1000, 1)), "1aaaa ");
}

TEST(MemoryLog, HasAnIdOfItsOwn) {
  auto home = home_with();
  std::set<std::string> ids;
  for (int i = 0; i < 100; ++i) ids.insert(home.open("r" + std::to_string(i))->extent().id);
  EXPECT_EQ(ids.size(), 100u);
  for (const auto& id : ids) {
    EXPECT_EQ(id.size(), 32u);
    EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos) << id;
  }
}

TEST(MemoryLog, TrimsTheOldestPastItsNumberOfEntries) {
  auto home = home_with({.room_entries = 2});
  const auto log = home.open("r");
  append(*log, {{"a", ""}, {"b", ""}, {"c", ""}});
  EXPECT_EQ(log->extent().first, 2u);
  EXPECT_EQ(bodies(read(*log, 0)), "2b 3c ");
}

TEST(MemoryLog, TrimsTheOldestPastItsBytes) {
  auto home = home_with({.room_bytes = 8});
  const auto log = home.open("r");
  append(*log, "aaaa");
  append(*log, "bbbb");
  EXPECT_EQ(log->extent().first, 1u);
  append(*log, "c");
  EXPECT_EQ(bodies(read(*log, 0)), "2bbbb 3c ");
}

TEST(MemoryLog, GoesOnCountingWhenEverythingWasTrimmed) {
  auto home = home_with({.room_bytes = 2});
  const auto log = home.open("r");
  append(*log, "aaaa");
  EXPECT_EQ(log->extent().first, 2u);
  EXPECT_EQ(log->extent().last, 1u);
  EXPECT_EQ(append(*log, "b").sequence, 2u);
  EXPECT_EQ(bodies(read(*log, 0)), "2b ");
}

TEST(MemoryLog, TrimsTheLargestRoomPastTheTotal) {
  auto home = home_with({.total_bytes = 10});
  const auto large = home.open("large");
  const auto small = home.open("small");
  append(*large, {{"aaa", ""}, {"bbb", ""}});
  append(*small, {{"cc", ""}, {"dd", ""}});
  EXPECT_EQ(large->extent().first, 1u);
  append(*small, "e");
  EXPECT_EQ(bodies(read(*large, 0)), "2bbb ");
  EXPECT_EQ(bodies(read(*small, 0)), "1cc 2dd 3e ");
}

TEST(MemoryLog, CountsNothingOfALogThatIsGone) {
  auto home = std::make_unique<memory_home>(body_alone, memory_limits{.total_bytes = 10});
  auto kept = home->open("kept");
  append(*kept, "aaaa");
  {
    const auto gone = home->open("gone");
    append(*gone, "bbbbb");
  }
  home.reset();
  append(*kept, "cccccc");
  EXPECT_EQ(bodies(read(*kept, 0)), "1aaaa 2cccccc ");
}

TEST(MemoryLog, AnswersADuplicateWithTheFirstOnesSequence) {
  auto home = home_with();
  const auto log = home.open("r");
  append(*log, "a", "id");
  append(*log, "b");
  const auto again = append(*log, "a", "id");
  EXPECT_TRUE(again.duplicate);
  EXPECT_EQ(again.sequence, 1u);
  EXPECT_EQ(again.safety, durability::memory);
  EXPECT_EQ(log->extent().last, 2u);
}

TEST(MemoryLog, FindsADuplicateWithinOneBatch) {
  auto home = home_with();
  const auto results = append(*home.open("r"), {{"a", "id"}, {"a", "id"}, {"b", ""}});
  EXPECT_FALSE(results[0].duplicate);
  EXPECT_TRUE(results[1].duplicate);
  EXPECT_EQ(results[1].sequence, 1u);
  EXPECT_EQ(results[2].sequence, 2u);
}

TEST(MemoryLog, KnowsAnIdWhoseMessageWasTrimmed) {
  auto home = home_with({.room_entries = 1});
  const auto log = home.open("r");
  append(*log, "a", "id");
  append(*log, "b");
  EXPECT_EQ(append(*log, "a", "id").sequence, 1u);
}

TEST(MemoryLog, ForgetsTheOldestIdPastItsWindow) {
  auto home = home_with({.dedupe_window = 2});
  const auto log = home.open("r");
  append(*log, {{"a", "1"}, {"b", "2"}, {"c", "3"}});
  EXPECT_TRUE(append(*log, "b", "2").duplicate);
  EXPECT_FALSE(append(*log, "a", "1").duplicate);
}

TEST(MemoryLog, DoesNotRenewADuplicatesPlaceInTheWindow) {
  auto home = home_with({.dedupe_window = 2});
  const auto log = home.open("r");
  append(*log, {{"a", "1"}, {"b", "2"}});
  EXPECT_TRUE(append(*log, "a", "1").duplicate);
  append(*log, "c", "3");
  EXPECT_FALSE(append(*log, "a", "1").duplicate);
}

TEST(MemoryLog, KeepsIdsOfRoomsApart) {
  auto home = home_with();
  append(*home.open("one"), "a", "id");
  EXPECT_FALSE(append(*home.open("other"), "a", "id").duplicate);
}

TEST(MemoryHome, OpensTheSameLogAgain) {
  auto home = home_with();
  EXPECT_EQ(home.open("r"), home.open("r"));
  EXPECT_EQ(home.size(), 1u);
}

TEST(MemoryHome, FindsOnlyWhatWasOpened) {
  auto home = home_with();
  EXPECT_EQ(home.find("r"), nullptr);
  EXPECT_EQ(home.size(), 0u);
  const auto opened = home.open("r");
  EXPECT_EQ(home.find("r"), opened);
}

TEST(MemoryHome, NamesItsRoomsInBytewiseOrder) {
  auto home = home_with();
  for (const auto* name : {"b", "a", "Z", "a-", "10", "_"}) home.open(name);
  EXPECT_EQ(home.rooms("", 100), (std::vector<std::string>{"10", "Z", "_", "a", "a-", "b"}));
  EXPECT_EQ(home.rooms("a", 1), (std::vector<std::string>{"a-"}));
  EXPECT_EQ(home.rooms("b", 100), std::vector<std::string>{});
}

TEST(MemoryHome, KeepsItsTotalWhileManyThreadsAppendAndRead) {
  constexpr int rooms = 4;
  constexpr int appends = 2000;
  auto home = home_with({.room_entries = 500, .total_bytes = 4000, .dedupe_window = 100});
  std::vector<std::thread> threads;
  for (int i = 0; i < rooms; ++i) {
    threads.emplace_back([&home, i] {
      const auto log = home.open("r" + std::to_string(i));
      for (int n = 0; n < appends; ++n) append(*log, "body", std::to_string(n));
    });
    threads.emplace_back([&home, i] {
      const auto log = home.open("r" + std::to_string(i));
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
  for (const auto& name : home.rooms("", 100)) {
    const auto log = home.find(name);
    EXPECT_EQ(log->extent().last, static_cast<std::uint64_t>(appends));
    for (const auto& entry : read(*log, 0, appends).entries) bytes += entry.bytes.size();
  }
  EXPECT_LE(bytes, 4000u);
}

}  // namespace
}  // namespace switchboard
