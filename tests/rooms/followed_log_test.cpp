#include "plain_codec.hpp"

#include <thread>

#include <gtest/gtest.h>
#include <malloc.h>

#include <switchboard/rooms/followed_log.hpp>
#include <switchboard/rooms/memory_log.hpp>

namespace switchboard::rooms {
namespace {

using outcome = rpc::source::outcome;
using words = std::vector<std::string>;

/// Plain words without one for having caught up, as a service may choose.
class terse_words final : public feed_codec {
public:
  wire::shared_bytes entry(const std::string&, std::uint64_t sequence, std::string_view body) const override {
    return wire::shared_bytes{std::to_string(sequence) + ":" + std::string(body)};
  }
  wire::shared_bytes gap(const std::string&, std::uint64_t from, std::uint64_t to, gap_reason) const override {
    return wire::shared_bytes{"gap " + std::to_string(from) + "-" + std::to_string(to)};
  }
};

class FollowedLog : public testing::Test {
protected:
  explicit FollowedLog(memory_limits limits = {}) : store_(plain_codec::encoder(), limits) {}

  std::shared_ptr<followed_log> follow() {
    return followed_log::create("r", std::make_shared<terse_words>(), store_.open("r"));
  }
  static words read(rpc::source& from) {
    words seen;
    rpc::payload next;
    while (from.next(next) == outcome::message) seen.emplace_back(next.bytes);
    return seen;
  }

  memory_store store_;
};

TEST_F(FollowedLog, GivesHistoryThenWhatIsAppended) {
  const auto log = follow();
  log->append({"a", {}});
  log->append({"b", {}});
  const auto reader = log->reader(0);
  reader->attach({});
  EXPECT_EQ(read(*reader), (words{"1:a", "2:b"}));
  log->append({"c", {}});
  EXPECT_EQ(read(*reader), words{"3:c"});
}

TEST_F(FollowedLog, StartsBehindThePlaceThatIsNamed) {
  const auto log = follow();
  for (const auto* each : {"a", "b", "c"}) log->append({each, {}});
  const auto reader = log->reader(2);
  reader->attach({});
  EXPECT_EQ(read(*reader), words{"3:c"});
}

TEST_F(FollowedLog, StartsBehindTheLastWhereThePlaceIsBeyondIt) {
  const auto log = follow();
  for (const auto* each : {"a", "b"}) log->append({each, {}});
  const auto reader = log->reader(100);
  reader->attach({});
  EXPECT_EQ(read(*reader), words{});
  log->append({"c", {}});
  EXPECT_EQ(read(*reader), words{"3:c"});
}

TEST_F(FollowedLog, StartsBehindWhatAnotherAppendedAndThisHasNotShown) {
  const auto log = follow();
  follow()->append({"theirs", {}});
  const auto reader = log->reader(1);
  reader->attach({});
  EXPECT_EQ(read(*reader), words{});
  log->append({"ours", {}});
  EXPECT_EQ(read(*reader), words{"2:ours"});
}

TEST_F(FollowedLog, HoldsNoMemoryForReadersThatLeftWhileNothingWasAppended) {
  const auto log = follow();
  const auto before = ::mallinfo2().uordblks;
  for (int n = 0; n < 100'000; ++n) (void)log->reader(0);
  EXPECT_LT(::mallinfo2().uordblks, before + (std::size_t{1} << 20));
}

TEST_F(FollowedLog, TellsWhatWasStoredOnceReadersCanSeeIt) {
  const auto log = follow();
  const auto reader = log->reader(0);
  reader->attach({});
  std::uint64_t stored = 0;
  log->append({"a", {}}, [&](const append_result& result) {
    stored = result.sequence;
    EXPECT_EQ(read(*reader), words{"1:a"});
  });
  EXPECT_EQ(stored, 1u);
}

class BoundedFollowedLog : public FollowedLog {
protected:
  BoundedFollowedLog() : FollowedLog({.room_entries = 2}) {}
};

TEST_F(BoundedFollowedLog, NamesWhatTheLogHasTrimmed) {
  const auto log = follow();
  for (const auto* each : {"a", "b", "c", "d"}) log->append({each, {}});
  const auto reader = log->reader(0);
  reader->attach({});
  EXPECT_EQ(read(*reader), (words{"gap 1-2", "3:c", "4:d"}));
}

TEST_F(FollowedLog, KeepsTheOrderOfSequencesWhoeverAppends) {
  constexpr int threads = 4;
  constexpr int each_appends = 2'000;
  const auto log = follow();
  const auto reader = log->reader(0);
  reader->attach({});
  std::vector<std::thread> appending;
  for (int t = 0; t < threads; ++t)
    appending.emplace_back([&] {
      for (int i = 0; i < each_appends; ++i) log->append({"x", {}});
    });
  for (auto& each : appending) each.join();
  const auto seen = read(*reader);
  ASSERT_EQ(seen.size(), std::size_t{threads} * each_appends);
  for (std::size_t i = 0; i < seen.size(); ++i) ASSERT_EQ(seen[i], std::to_string(i + 1) + ":x");
}

}  // namespace
}  // namespace switchboard::rooms
