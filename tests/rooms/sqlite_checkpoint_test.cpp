// Who waits for the disk when what was committed is copied from the write-ahead log into the database.

#include "sqlite_fixture.hpp"
#include "unsteady_disk.hpp"

#include <chrono>
#include <filesystem>
#include <future>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include <switchboard/rooms/sqlite/checkpointer.hpp>
#include <switchboard/testkit/eventually.hpp>

namespace switchboard::rooms {
namespace {

using namespace std::chrono_literals;
using sqlite::checkpointer;
using testkit::eventually;

constexpr std::size_t record_bytes = 256 * 1024;
/// The write-ahead log's, in the database's file.
constexpr std::size_t page_bytes = 4096;
constexpr auto between_bytes = checkpointer::pages_between * page_bytes;
constexpr auto log_bytes_max = checkpointer::log_pages_max(durability::written) * page_bytes;

class SqliteCheckpoint : public SqliteDirectory {
protected:
  ~SqliteCheckpoint() override {
    disk_.recover();
    store_.reset();
  }

  void start(durability safety = durability::written) {
    store_ = open({.safety = safety, .figures = figures_});
    append(*store_->open("r"), "the log's first page is synced");
  }
  std::future<std::vector<append_result>> begin_publish() {
    return begin_append(*store_->open("r"), {{std::string(record_bytes, 'x'), ""}});
  }
  /// Whether so much is stored, while the disk is as it is.
  bool publishes(std::size_t bytes) {
    for (std::size_t stored = 0; stored < bytes; stored += record_bytes) {
      auto result = begin_publish();
      if (result.wait_for(20s) != std::future_status::ready) return false;
      if (!result.get().front().status.ok()) return false;
    }
    return true;
  }
  std::size_t database_bytes() const { return std::filesystem::file_size(database()); }
  std::size_t log_bytes() const { return std::filesystem::file_size(database().string() + "-wal"); }
  /// Of the journal's figure.
  double figure(const std::string& name) const { return figures_->read().value("switchboard_journal_" + name); }

  const std::shared_ptr<metrics::registry> figures_ = std::make_shared<metrics::registry>();
  unsteady_disk disk_;
  std::shared_ptr<sqlite_store> store_;
};

TEST_F(SqliteCheckpoint, IsNothingThatPublishersWaitFor) {
  start();
  disk_.hold_syncs();
  EXPECT_TRUE(publishes(2 * between_bytes));
  EXPECT_TRUE(eventually([&] { return disk_.holds_one(); })) << "a checkpoint is being made";
  EXPECT_TRUE(publishes(between_bytes));
  EXPECT_EQ(figure("checkpoint_waits_total"), 0);
}

TEST_F(SqliteCheckpoint, IsMadeAgainAfterAFailure) {
  start();
  disk_.fail_syncs();
  EXPECT_TRUE(publishes(2 * between_bytes));
  EXPECT_TRUE(eventually([&] { return figure("checkpoint_failures_total") > 0; }));
  disk_.recover();
  const auto before = database_bytes();
  EXPECT_TRUE(eventually([&] { return publishes(record_bytes) && database_bytes() > before; }));
}

TEST_F(SqliteCheckpoint, IsWaitedForWhereTheLogHasAllItMayHave) {
  start();
  disk_.hold_syncs();
  const auto waits = [&] { return figure("checkpoint_waits_total") == 1; };
  for (std::size_t stored = 0; !waits() && stored < 2 * log_bytes_max; stored += record_bytes) {
    auto next = begin_publish();
    EXPECT_TRUE(eventually([&] { return waits() || next.wait_for(0s) == std::future_status::ready; }));
  }
  EXPECT_TRUE(waits());
  EXPECT_GE(log_bytes(), log_bytes_max);
  auto held = begin_publish();
  EXPECT_EQ(held.wait_for(100ms), std::future_status::timeout);
  disk_.recover();
  EXPECT_TRUE(held.get().front().status.ok());
  EXPECT_TRUE(publishes(log_bytes_max));
  EXPECT_LE(log_bytes(), log_bytes_max + log_bytes_max / 4) << "the log began anew";
}

TEST_F(SqliteCheckpoint, ThatFailsStopsNoPublishersWhereTheLogHasAllItMayHave) {
  start();
  disk_.fail_syncs();
  EXPECT_TRUE(publishes(log_bytes_max + between_bytes));
  EXPECT_GE(log_bytes(), log_bytes_max);
}

TEST_F(SqliteCheckpoint, ThatAReaderOfAnOldStateLimitsStopsNoPublishers) {
  start();
  another_program theirs{database()};
  theirs.run("BEGIN; SELECT count(*) FROM messages");
  EXPECT_TRUE(publishes(log_bytes_max + between_bytes));
  EXPECT_GE(log_bytes(), log_bytes_max);
  theirs.run("COMMIT");
  EXPECT_TRUE(publishes(log_bytes_max));
  EXPECT_LE(log_bytes(), log_bytes_max + log_bytes_max / 4) << "the log began anew";
}

TEST_F(SqliteCheckpoint, KeepsTheLogShortWhereEachCommitIsSynced) {
  start(durability::fsynced);
  EXPECT_TRUE(publishes(10 * between_bytes));
  EXPECT_LE(log_bytes(), 2 * between_bytes);
  EXPECT_GT(figure("checkpoint_waits_total"), 0);
}

TEST_F(SqliteCheckpoint, LeavesNoLogWhenTheStoreIsClosed) {
  start();
  EXPECT_TRUE(publishes(2 * between_bytes));
  store_.reset();
  EXPECT_FALSE(std::filesystem::exists(database().string() + "-wal"));
  EXPECT_EQ(open()->find("r")->extent().last, 2 + (2 * between_bytes - 1) / record_bytes);
}

}  // namespace
}  // namespace switchboard::rooms
