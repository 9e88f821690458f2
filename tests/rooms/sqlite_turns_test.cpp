// Rooms take turns at the disk: what is appended to one room neither delays nor refuses what is appended to another.

#include "sqlite_fixture.hpp"
#include "unsteady_disk.hpp"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <functional>
#include <future>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <switchboard/rooms/sqlite/append_queue.hpp>
#include <switchboard/rooms/sqlite/journal.hpp>
#include <switchboard/testkit/eventually.hpp>

namespace switchboard::rooms {
namespace {

using sqlite::append_queue;
using sqlite::transaction_limits;
using testkit::eventually;

constexpr std::size_t kib = 1024;

/// Appends that all wait for one transaction, which the disk holds up until release().
class SqliteTurns : public SqliteDirectory {
protected:
  ~SqliteTurns() override {
    disk_.recover();
    store_.reset();
  }

  void start() { store_ = open({.figures = figures_}); }
  /// Has a transaction begin that does not end, with an append to `room`.
  void hold_a_transaction(const std::string& room) {
    disk_.hold_syncs();
    held_ = begin_append(*store_->open(room), {{"held", ""}});
    EXPECT_TRUE(eventually([&] { return disk_.holds_one(); }));
  }
  /// `answered` is called with the answer, on the journal's thread.
  void append_later(
      const std::string& room, std::vector<record> records, std::function<void()> answered = [] {}) {
    ++count_;
    store_->open(room)->append(std::move(records), [this, room, answered](std::vector<append_result> results) {
      answered();
      answers_.push_back({room, results.front().status.code, results.front().sequence, commits()});
      if (answers_.size() == count_) all_.set_value();
    });
  }
  void append_later(
      const std::string& room, std::size_t bytes, std::function<void()> answered = [] {}) {
    append_later(room, {{std::string(bytes, 'x'), ""}}, std::move(answered));
  }
  /// Lets the transaction end, and those after it until all is answered.
  void release() {
    commits_before_ = commits();
    disk_.recover();
    held_.get();
    all_.get_future().wait();
  }

  struct answer {
    std::string room;
    rpc::code code;
    std::uint64_t sequence;
    double commits;  ///< transactions until then
  };
  const answer& first_of(const std::string& room) const {
    return *std::find_if(answers_.begin(), answers_.end(), [&](const auto& each) { return each.room == room; });
  }
  /// Which transaction after the one that was held had an answer's append; 1: the next.
  int transaction_of(const answer& given) const { return static_cast<int>(given.commits - commits_before_) - 1; }
  double commits() const { return figures_->read().value("switchboard_journal_commits_total"); }

  const std::shared_ptr<metrics::registry> figures_ = std::make_shared<metrics::registry>();
  unsteady_disk disk_;
  std::shared_ptr<sqlite_store> store_;
  std::vector<answer> answers_;  ///< in their order; written on the journal's thread, read after release()

private:
  std::size_t count_ = 0;
  double commits_before_ = 0;
  std::future<std::vector<append_result>> held_;
  std::promise<void> all_;
};

TEST_F(SqliteTurns, AQuietRoomsAppendIsInTheNextTransaction) {
  start();
  append(*store_->open("quiet"), "a");
  hold_a_transaction("busy");
  for (int n = 0; n < 200; ++n) append_later("busy", 64 * kib);
  append_later("quiet", 100);
  release();
  EXPECT_EQ(transaction_of(first_of("quiet")), 1);
  EXPECT_GT(transaction_of(answers_.back()), 10) << "what the other has waiting takes many";
}

TEST_F(SqliteTurns, AQuietRoomsAppendIsInTheNextTransactionWhateverAThousandRoomsHaveWaiting) {
  start();
  append(*store_->open("quiet"), "a");
  hold_a_transaction("busy 0");
  for (int n = 0; n < 2'000; ++n) append_later("busy " + std::to_string(n % 1'000), 8 * kib);
  append_later("quiet", 100);
  release();
  EXPECT_EQ(transaction_of(first_of("quiet")), 1);
  EXPECT_GT(transaction_of(answers_.back()), 10);
}

TEST_F(SqliteTurns, ARoomPaysOnceForTheIdsThatAreReadForIt) {
  {
    const auto earlier = open();
    for (int n = 0; n < 3; ++n) append(*earlier->open("victim"), std::vector<record>(1'000, record{"a", ""}));
  }
  start();
  append(*store_->open("busy"), "a");
  hold_a_transaction("another");
  for (int n = 0; n < 100; ++n) append_later("busy", 100 * kib);
  for (int n = 0; n < 20; ++n) append_later("victim", 100);
  release();
  const auto last_of_victim =
      std::find_if(answers_.rbegin(), answers_.rend(), [](const auto& each) { return each.room == "victim"; });
  EXPECT_LE(transaction_of(*last_of_victim), 2);
  EXPECT_GE(transaction_of(answers_.back()), 10);
}

TEST_F(SqliteTurns, TrimsFewLargeMessagesInATransaction) {
  constexpr int messages = 64;
  start();
  {
    const auto log = store_->open("large");
    for (int n = 0; n < messages; ++n) append(*log, std::string(64 * kib, 'x'));
  }
  store_.reset();
  const auto before = commits();
  store_ = open({.keep = {.messages = 1}, .figures = figures_});
  const auto log = store_->find("large");
  EXPECT_TRUE(eventually([&] { return log->extent().first == messages; }));
  EXPECT_GE(commits() - before, (messages - 1) * 64 * kib / (transaction_limits::trimmed_bytes + 64 * kib));
}

TEST_F(SqliteTurns, ARoomsAppendsKeepTheirOrder) {
  start();
  hold_a_transaction("room 0");
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random{seed};
  std::map<std::string, std::string> bodies_of{{"room 0", "1held "}};
  std::map<std::string, std::uint64_t> last{{"room 0", 1}};
  for (int n = 0; n < 500; ++n) {
    const auto room = "room " + std::to_string(random() % 5);
    const auto body = std::string(random() % (8 * kib), 'x') + std::to_string(n);
    append_later(room, {{body, ""}});
    bodies_of[room] += std::to_string(++last[room]) + body + " ";
  }
  release();
  std::map<std::string, std::uint64_t> acknowledged{{"room 0", 1}};
  for (const auto& each : answers_) EXPECT_EQ(each.sequence, ++acknowledged[each.room]) << each.room;
  for (const auto& [room, all] : bodies_of)
    EXPECT_TRUE(bodies(read(*store_->open(room), 0, 1'000, 64'000 * kib)) == all) << room;
}

TEST_F(SqliteTurns, RoomsWithMuchWaitingGetAsManyBytesEach) {
  start();
  hold_a_transaction("another");
  for (int n = 0; n < 10; ++n) append_later("large", 64 * kib);
  for (int n = 0; n < 200; ++n) append_later("small", 2 * kib);
  release();
  int large = 0, small = 0;
  for (const auto& each : answers_) {
    if (small == 200 || large == 10) break;
    ++(each.room == "large" ? large : small);
    EXPECT_NEAR(large * 64, small * 2.3, 2 * 64) << large << " of 64 KiB, " << small << " of 2 KiB";
  }
}

TEST_F(SqliteTurns, ALargeAppendHasItsTurnWhileSmallOnesFillEveryTransaction) {
  start();
  hold_a_transaction("another");
  constexpr int rooms = transaction_limits::records + 100;
  // A room's next append comes when the one before is answered, so that it never has two.
  bool goes_on = true;
  std::function<void(const std::string&, int)> append_again = [&](const std::string& room, int times) {
    append_later(room, 1, [&, room, times] {
      if (goes_on && times > 1) append_again(room, times - 1);
    });
  };
  append_later("large", 8 * kib, [&] { goes_on = false; });
  for (int n = 0; n < rooms; ++n) append_again("room " + std::to_string(n), 100);
  release();
  EXPECT_LT(transaction_of(first_of("large")), 50) << "until then each of the others has stored as many bytes";
}

TEST_F(SqliteTurns, WhatOneRoomHasWaitingRefusesNoOther) {
  start();
  hold_a_transaction("busy");
  for (int n = 0; n < 100; ++n) append_later("busy", std::vector<record>(1'000, record{"x", ""}));
  for (int n = 0; n < 100; ++n) append_later("large", 1'000 * kib);
  append_later("quiet", std::vector<record>(1'000, record{"x", ""}));
  append_later("quiet", 1'000 * kib);
  release();
  std::map<std::pair<std::string, rpc::code>, int> answers;
  for (const auto& each : answers_) ++answers[{each.room, each.code}];
  EXPECT_GT((answers[{"busy", rpc::code::resource_exhausted}]), 0);
  EXPECT_GT((answers[{"large", rpc::code::resource_exhausted}]), 0);
  EXPECT_EQ((answers[{"quiet", rpc::code::ok}]), 2);
}

TEST_F(SqliteTurns, WhatAThousandRoomsHaveWaitingRefusesNoOther) {
  start();
  hold_a_transaction("busy 0");
  for (std::size_t bytes = 0; bytes < 2 * append_queue::bytes_max; bytes += 4 * kib)
    append_later("busy " + std::to_string(bytes / (4 * kib) % 1'000), 4 * kib);
  append_later("quiet", 4 * kib);
  release();
  EXPECT_TRUE(
      std::any_of(answers_.begin(), answers_.end(), [](const auto& each) { return each.code != rpc::code::ok; }));
  EXPECT_EQ(first_of("quiet").code, rpc::code::ok);
}

TEST_F(SqliteTurns, RoomsWhoseIdsAreToBeReadDoNotHoldUpOthers) {
  constexpr int rooms = 3 * transaction_limits::read_ids / transaction_limits::least_ids;
  {
    const auto earlier = open();
    std::vector<std::future<std::vector<append_result>>> all;
    for (int n = 0; n < rooms; ++n)
      all.push_back(begin_append(*earlier->open("room " + std::to_string(n)), {{"a", "id"}}));
    for (auto& each : all) each.get();
  }
  start();
  append(*store_->open("quiet"), "a");
  hold_a_transaction("another");
  for (int n = 0; n < rooms; ++n) append_later("room " + std::to_string(n), {{"again", "id"}});
  append_later("quiet", 100);
  release();
  EXPECT_EQ(transaction_of(first_of("quiet")), 1);
  EXPECT_EQ(answers_.front().room, "quiet");
  EXPECT_EQ(transaction_of(answers_.back()), 3) << "each reads the ids of some";
  for (const auto& each : answers_) EXPECT_EQ(each.sequence, each.room == "quiet" ? 2u : 1u) << "their ids are known";
}

/// What this process has read from files (proc_pid_io(5), rchar).
std::uint64_t bytes_read() {
  std::ifstream from{"/proc/self/io"};
  std::string name;
  std::uint64_t bytes = 0;
  from >> name >> bytes;
  EXPECT_EQ(name, "rchar:");
  return bytes;
}

TEST_F(SqliteTurns, LargeMessagesAreNotReadToStoreOthersBesideThem) {
  start();
  append(*store_->open("before"), "a");
  for (int n = 0; n < 8; ++n) append(*store_->open("large"), std::string(1'000 * kib, 'x'));
  const auto read_before = bytes_read();
  for (const auto* room : {"before", "after"}) append(*store_->open(room), std::vector<record>(1'000, record{"x", ""}));
  EXPECT_LT(bytes_read() - read_before, 8'000 * kib);
}

TEST_F(SqliteTurns, ATransactionTakesNoMoreThanItsLimits) {
  start();
  hold_a_transaction("another");
  for (std::size_t n = 0; n < 3 * transaction_limits::records; ++n) append_later("a", 10);
  release();
  EXPECT_EQ(transaction_of(answers_.back()), 3);
}

TEST_F(SqliteTurns, ATransactionTakesNoMoreBytesThanItsLimit) {
  start();
  hold_a_transaction("another");
  for (int n = 0; n < 3 * 16; ++n) append_later("a", transaction_limits::bytes / 16);
  release();
  EXPECT_EQ(transaction_of(answers_.back()), 3);
}

}  // namespace
}  // namespace switchboard::rooms
