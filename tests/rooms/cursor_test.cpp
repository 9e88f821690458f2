#include "plain_codec.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include <switchboard/rooms/cursor.hpp>
#include <switchboard/rooms/memory_log.hpp>

namespace switchboard::rooms {
namespace {

using outcome = rpc::source::outcome;
using words = std::vector<std::string>;

/// A log whose reads are answered when the test says so.
class slow_log final : public log {
public:
  explicit slow_log(std::shared_ptr<log> behind) : behind_(std::move(behind)) {}

  void append(std::vector<record> records, std::function<void(std::vector<append_result>)> done) override {
    behind_->append(std::move(records), std::move(done));
  }
  void read(page_request wanted, std::function<void(log_page)> done) override {
    latest_ = wanted;
    waiting_.push_back([=, this] { behind_->read(wanted, done); });
  }
  void watch(growth_callback) override {}
  log_extent extent() const override { return behind_->extent(); }

  std::size_t waiting() const { return waiting_.size(); }
  /// What was asked for last.
  const page_request& latest() const { return latest_; }
  void answer() {
    const auto read = std::move(waiting_.front());
    waiting_.pop_front();
    read();
  }

private:
  const std::shared_ptr<log> behind_;
  std::deque<std::function<void()>> waiting_;
  page_request latest_;
};

/// A log that cannot be read.
class broken_log final : public log {
public:
  void append(std::vector<record>, std::function<void(std::vector<append_result>)> done) override { done({}); }
  void read(page_request, std::function<void(log_page)> done) override {
    log_page page;
    page.status = {rpc::code::unavailable, "the disk is gone"};
    done(std::move(page));
  }
  void watch(growth_callback) override {}
  log_extent extent() const override { return {"id", 1, 3}; }
};

/// A log that says it holds three messages and gives some of them.
class forgetful_log final : public log {
public:
  explicit forgetful_log(std::vector<std::uint64_t> held) : held_(std::move(held)) {}

  void append(std::vector<record>, std::function<void(std::vector<append_result>)> done) override { done({}); }
  void read(page_request, std::function<void(log_page)> done) override {
    log_page page;
    page.extent = extent();
    for (const auto each : held_) page.entries.push_back({each, wire::shared_bytes{"x"}});
    done(std::move(page));
  }
  void watch(growth_callback) override {}
  log_extent extent() const override { return {"id", 1, 3}; }

private:
  const std::vector<std::uint64_t> held_;
};

/// Counts its wakes, and lets a thread wait for one.
class reader final : public cursor {
public:
  using cursor::cursor;

  int wakes() const {
    std::lock_guard lock(mutex_);
    return wakes_;
  }
  void await_wake(int seen) {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(woken_.wait_for(lock, std::chrono::seconds(20), [&] { return wakes_ > seen; }));
  }

private:
  void wake(caf::execution_unit*) override {
    std::lock_guard lock(mutex_);
    ++wakes_;
    woken_.notify_all();
  }

  mutable std::mutex mutex_;
  std::condition_variable woken_;
  int wakes_ = 0;
};

/// Does with a feed what a room does.
class Cursor : public testing::Test {
protected:
  void set_up(memory_limits memory = {}, room_limits limits = {}) {
    store_ = std::make_unique<memory_store>(plain_codec::encoder(), memory);
    log_ = store_->open("r");
    open_feed(log_, limits);
  }
  void open_feed(std::shared_ptr<log> messages, room_limits limits = {}) {
    feed_ = std::make_shared<room_feed>("r", std::make_shared<plain_codec>(), std::move(messages), limits);
  }

  /// Appends past the room, as another in front of the same log would.
  append_result append(const std::string& body) {
    append_result stored;
    log_->append({{body, {}}}, [&](std::vector<append_result> results) { stored = results.at(0); });
    return stored;
  }
  void publish(const std::string& body) {
    const auto stored = append(body);
    feed_->tail.append({stored.bytes, stored.sequence, 0, 0});
    tell();
  }
  void publish(int count) {
    for (int i = 0; i < count; ++i) publish("x");
  }
  void change(const std::string& what, std::uint64_t membership) {
    const auto after = feed_->tail.last_sequence();
    const wire::shared_bytes bytes{what};
    const auto number = feed_->presence.place(after, membership, bytes);
    feed_->tail.append({bytes, after, number, membership});
    tell();
  }
  void tell() {
    feed_->tail.publish();
    for (auto& each : readers_) each->notify(nullptr);
  }

  std::shared_ptr<reader> join(cursor::start from, std::function<void()> failed = {}) {
    auto joined = std::make_shared<reader>(feed_, from, std::move(failed));
    joined->attach({});
    readers_.push_back(joined);
    return joined;
  }

  std::unique_ptr<memory_store> store_;
  std::shared_ptr<log> log_;
  std::shared_ptr<room_feed> feed_;
  std::vector<std::shared_ptr<reader>> readers_;
};

constexpr std::uint32_t everything = UINT32_MAX;

/// At most `limit` events, as far as there are any.
words take(cursor& from, std::size_t limit = 100'000) {
  words seen;
  rpc::payload next;
  while (seen.size() < limit && from.next(next) == outcome::message) seen.emplace_back(next.bytes);
  return seen;
}

TEST_F(Cursor, SkipsAllHistoryWhenNoneIsAskedFor) {
  set_up();
  change("+ann", 1);
  publish(3);
  change("+bob", 2);
  const auto subject = join({});
  EXPECT_EQ(take(*subject), words{"caught up 3"});
  publish("hi");
  EXPECT_EQ(take(*subject), words{"4:hi"});
}

TEST_F(Cursor, ReadsTheHistoryBehindAPlace) {
  set_up();
  publish(4);
  EXPECT_EQ(take(*join({.after_sequence = 2})), (words{"3:x", "4:x", "caught up 4"}));
  EXPECT_EQ(take(*join({.after_sequence = 4})), words{"caught up 4"});
}

TEST_F(Cursor, NamesWhatTheHistoryLimitCutsOff) {
  set_up();
  publish(5);
  EXPECT_EQ(take(*join({.history_limit = 2})), (words{"gap 1-3 limit", "4:x", "5:x", "caught up 5"}));
  EXPECT_EQ(take(*join({.after_sequence = 2, .history_limit = 1})), (words{"gap 3-4 limit", "5:x", "caught up 5"}));
}

TEST_F(Cursor, NamesNothingWhenTheHistoryIsWithinTheLimit) {
  set_up();
  publish(2);
  EXPECT_EQ(take(*join({.history_limit = 2})), (words{"1:x", "2:x", "caught up 2"}));
  EXPECT_EQ(take(*join({.history_limit = everything})), (words{"1:x", "2:x", "caught up 2"}));
}

TEST_F(Cursor, NamesWhatRetentionTrimmed) {
  set_up({.room_entries = 2});
  publish(5);
  EXPECT_EQ(take(*join({.after_sequence = 1})), (words{"gap 2-3 retention", "4:x", "5:x", "caught up 5"}));
  EXPECT_EQ(take(*join({.after_sequence = 3})), (words{"4:x", "5:x", "caught up 5"}));
}

TEST_F(Cursor, NamesRetentionBeforeTheHistoryLimit) {
  set_up({.room_entries = 3});
  publish(6);
  EXPECT_EQ(take(*join({.history_limit = 1})), (words{"gap 1-3 retention", "gap 4-5 limit", "6:x", "caught up 6"}));
}

TEST_F(Cursor, NamesOnlyRetentionWhenItCutsMoreThanTheLimit) {
  set_up({.room_entries = 2});
  publish(6);
  EXPECT_EQ(take(*join({.history_limit = 2})), (words{"gap 1-4 retention", "5:x", "6:x", "caught up 6"}));
}

TEST_F(Cursor, NamesARoomOfWhichNothingIsKept) {
  set_up({.room_bytes = 1});
  publish(3);
  EXPECT_EQ(take(*join({.history_limit = everything})), (words{"gap 1-3 retention", "caught up 3"}));
}

TEST_F(Cursor, EndsHistoryWhereTheRoomStoodAtTheStart) {
  set_up({}, {.page_entries = 2});
  publish(3);
  const auto subject = join({.history_limit = everything});
  EXPECT_EQ(take(*subject, 1), words{"1:x"});
  publish("live");
  EXPECT_EQ(take(*subject), (words{"2:x", "3:x", "caught up 3", "4:live"}));
}

TEST_F(Cursor, ReadsALongHistoryPageByPage) {
  set_up({}, {.page_entries = 7});
  publish(100);
  const auto seen = take(*join({.history_limit = everything}));
  ASSERT_EQ(seen.size(), 101u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(seen[static_cast<std::size_t>(i)], std::to_string(i + 1) + ":x");
}

TEST_F(Cursor, NamesWhatIsTrimmedWhileItReadsHistory) {
  set_up({.room_entries = 4}, {.page_entries = 1});
  publish(4);
  const auto subject = join({.history_limit = everything});
  EXPECT_EQ(take(*subject, 1), words{"1:x"});
  publish(2);
  EXPECT_EQ(take(*subject), (words{"gap 2-2 retention", "3:x", "4:x", "caught up 4", "5:x", "6:x"}));
}

TEST_F(Cursor, PutsAGapThatRunsPastTheHistoryBeforeCaughtUp) {
  set_up({.room_entries = 2}, {.page_entries = 1});
  publish(2);
  const auto subject = join({.history_limit = everything});
  EXPECT_EQ(take(*subject, 1), words{"1:x"});
  publish(5);
  EXPECT_EQ(take(*subject), (words{"gap 2-5 retention", "caught up 5", "6:x", "7:x"}));
}

TEST_F(Cursor, InterleavesPresenceWhereItWasPlaced) {
  set_up();
  change("+ann", 1);
  publish(1);
  change("+bob", 2);
  change("-bob", 2);
  publish(1);
  change("+cid", 3);
  EXPECT_EQ(take(*join({.history_limit = everything})),
            (words{"+ann", "1:x", "+bob", "-bob", "2:x", "+cid", "caught up 2"}));
}

TEST_F(Cursor, StartsWithThePresencePlacedAtItsStart) {
  set_up();
  change("+ann", 1);
  publish(1);
  change("+bob", 2);
  publish(1);
  change("+cid", 3);
  EXPECT_EQ(take(*join({.after_sequence = 1})), (words{"+bob", "2:x", "+cid", "caught up 2"}));
  EXPECT_EQ(take(*join({.after_sequence = 2})), (words{"+cid", "caught up 2"}));
}

TEST_F(Cursor, LeavesOutPresenceInsideAHistoryLimitGap) {
  set_up();
  change("+before", 1);
  publish(1);
  change("+inside", 2);
  publish(1);
  change("+behind", 3);
  publish(1);
  EXPECT_EQ(take(*join({.history_limit = 1})), (words{"+before", "gap 1-2 limit", "+behind", "3:x", "caught up 3"}));
}

TEST_F(Cursor, KeepsPresenceInsideARetentionGap) {
  set_up({.room_entries = 1});
  change("+before", 1);
  publish(1);
  change("+inside", 2);
  publish(1);
  change("+behind", 3);
  publish(1);
  EXPECT_EQ(take(*join({.history_limit = everything})),
            (words{"+before", "gap 1-2 retention", "+inside", "+behind", "3:x", "caught up 3"}));
}

TEST_F(Cursor, DoesNotSeePresenceOfItsOwnMembership) {
  set_up();
  change("+ann", 1);
  const auto subject = join({.history_limit = everything, .membership = 1});
  const auto observer = join({.history_limit = everything});
  const auto other = join({.history_limit = everything, .membership = 2});
  change("+cid", 3);
  EXPECT_EQ(take(*subject), (words{"caught up 0", "+cid"}));
  EXPECT_EQ(take(*observer), (words{"+ann", "caught up 0", "+cid"}));
  EXPECT_EQ(take(*other), (words{"+ann", "caught up 0", "+cid"}));
}

TEST_F(Cursor, PutsPresenceSinceTheStartBehindCaughtUp) {
  set_up();
  publish(1);
  const auto subject = join({.history_limit = everything});
  change("+ann", 1);
  EXPECT_EQ(take(*subject), (words{"1:x", "caught up 1", "+ann"}));
}

TEST_F(Cursor, FollowsTheTail) {
  set_up();
  const auto subject = join({});
  EXPECT_EQ(take(*subject), words{"caught up 0"});
  for (int i = 1; i <= 300; ++i) {
    if (i % 10 == 0) change("+" + std::to_string(i), 7);
    publish(1);
  }
  const auto seen = take(*subject);
  ASSERT_EQ(seen.size(), 330u);
  EXPECT_EQ(seen[9], "+10");
  EXPECT_EQ(seen[10], "10:x");
  EXPECT_EQ(seen.back(), "300:x");
}

TEST_F(Cursor, ReturnsToTheLogWhenTheTailPassedIt) {
  set_up({}, {.tail = {.entries = 2 * tail::chunk_entries, .first_chunk_entries = tail::chunk_entries}});
  const auto subject = join({});
  take(*subject);
  publish(1000);
  const auto seen = take(*subject);
  ASSERT_EQ(seen.size(), 1000u);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(seen[static_cast<std::size_t>(i)], std::to_string(i + 1) + ":x");
  publish("again live");
  EXPECT_EQ(take(*subject), words{"1001:again live"});
}

TEST_F(Cursor, NamesWhatTheLogTrimmedWhileItLagged) {
  set_up({.room_entries = 100}, {.tail = {.entries = tail::chunk_entries, .first_chunk_entries = tail::chunk_entries}});
  const auto subject = join({});
  take(*subject);
  publish(1);
  EXPECT_EQ(take(*subject), words{"1:x"});
  publish(999);
  // What the reader's own chunk holds is not lost.
  const auto seen = take(*subject);
  EXPECT_EQ(seen.at(0), "2:x");
  EXPECT_EQ(seen.at(tail::chunk_entries - 1), "gap 65-900 retention");
  EXPECT_EQ(seen.at(tail::chunk_entries), "901:x");
  EXPECT_EQ(seen.size(), tail::chunk_entries + 100);
}

TEST_F(Cursor, InterleavesPresenceWhileItLags) {
  set_up({}, {.tail = {.entries = tail::chunk_entries, .first_chunk_entries = tail::chunk_entries}});
  const auto subject = join({});
  take(*subject);
  words expected;
  for (int i = 1; i <= 500; ++i) {
    if (i % 50 == 0) {
      change("+" + std::to_string(i), 9);
      expected.push_back("+" + std::to_string(i));
    }
    publish(1);
    expected.push_back(std::to_string(i) + ":x");
  }
  change("+end", 9);
  expected.push_back("+end");
  EXPECT_EQ(take(*subject), expected);
}

TEST_F(Cursor, MissesPresenceThatIsNoLongerKept) {
  set_up({}, {.presence_changes = 3});
  const auto subject = join({});
  take(*subject);
  for (int i = 1; i <= 5; ++i) change("+" + std::to_string(i), 9);
  EXPECT_EQ(take(*subject), (words{"+3", "+4", "+5"}));
}

TEST_F(Cursor, FindsPresenceThatTheTailLostButTheRoomKeeps) {
  set_up({}, {.tail = {.entries = tail::chunk_entries, .first_chunk_entries = tail::chunk_entries},
              .presence_changes = 1000});
  const auto subject = join({});
  take(*subject);
  for (int i = 1; i <= 900; ++i) change("+" + std::to_string(i), 9);
  const auto seen = take(*subject);
  ASSERT_EQ(seen.size(), 900u);
  for (int i = 1; i <= 900; ++i) EXPECT_EQ(seen[static_cast<std::size_t>(i - 1)], "+" + std::to_string(i));
}

TEST_F(Cursor, GoesOnAfterTheTailWasCleared) {
  set_up();
  publish(2);
  const auto subject = join({});
  take(*subject);
  publish(2);
  feed_->tail.clear();
  publish(1);
  EXPECT_EQ(take(*subject), (words{"3:x", "4:x", "5:x"}));
}

TEST_F(Cursor, FetchesWhatAnotherAppendedToTheSameLog) {
  set_up();
  const auto subject = join({});
  take(*subject);
  append("theirs");
  publish("ours");
  EXPECT_EQ(take(*subject), (words{"1:theirs", "2:ours"}));
}

TEST_F(Cursor, ShowsNothingThatTheRoomHasNotShown) {
  set_up({}, {.tail = {.entries = tail::chunk_entries, .first_chunk_entries = tail::chunk_entries}});
  const auto subject = join({});
  take(*subject);
  publish(3 * tail::chunk_entries);
  append("not yet");
  EXPECT_EQ(take(*subject).back(), std::to_string(3 * tail::chunk_entries) + ":x");
}

TEST_F(Cursor, CountsOnlyHistoryThatTheRoomHasShown) {
  set_up();
  publish(2);
  append("not yet");
  EXPECT_EQ(take(*join({.history_limit = 1})), (words{"gap 1-1 limit", "2:x", "caught up 2"}));
}

TEST_F(Cursor, KeepsTheLatestMessageReadableBehindTheEndOfItsChunk) {
  set_up({}, {.tail = {.entries = tail::chunk_entries, .first_chunk_entries = tail::chunk_entries}});
  const auto subject = join({});
  take(*subject);
  publish(tail::chunk_entries);
  rpc::payload latest;
  for (std::size_t i = 0; i < tail::chunk_entries; ++i) ASSERT_EQ(subject->next(latest), outcome::message);
  publish(3 * tail::chunk_entries);
  EXPECT_EQ(latest.bytes, std::to_string(tail::chunk_entries) + ":x");
}

TEST_F(Cursor, HandsOverLargePayloadsByReference) {
  set_up();
  const auto subject = join({});
  take(*subject);
  publish(std::string(10, 's'));
  publish(std::string(2000, 'l'));
  rpc::payload next;
  ASSERT_EQ(subject->next(next), outcome::message);
  EXPECT_TRUE(next.owner.empty());
  ASSERT_EQ(subject->next(next), outcome::message);
  EXPECT_EQ(next.owner.view(), next.bytes);
  EXPECT_EQ(next.owner.data(), next.bytes.data());
}

TEST_F(Cursor, IsNotWokenBeforeItsFirstLook) {
  set_up();
  const auto subject = join({});
  publish(3);
  EXPECT_EQ(subject->wakes(), 0);
}

TEST_F(Cursor, IsWokenOnceUntilItLooks) {
  set_up();
  const auto subject = join({});
  take(*subject);
  publish(3);
  EXPECT_EQ(subject->wakes(), 1);
  EXPECT_EQ(take(*subject, 1), words{"1:x"});
  publish(1);
  // It has not seen the end of what it was woken for, so it comes by itself.
  EXPECT_LE(subject->wakes(), 2);
  take(*subject);
  const auto before = subject->wakes();
  publish(1);
  EXPECT_EQ(subject->wakes(), before + 1);
}

TEST_F(Cursor, WaitsForAPageAndIsWokenByIt) {
  set_up();
  publish(2);
  const auto slow = std::make_shared<slow_log>(log_);
  open_feed(slow);
  const auto subject = join({.history_limit = everything});
  EXPECT_EQ(take(*subject), words{});
  EXPECT_EQ(take(*subject), words{});
  EXPECT_EQ(slow->waiting(), 1u);
  EXPECT_EQ(subject->wakes(), 0);
  slow->answer();
  EXPECT_EQ(subject->wakes(), 1);
  EXPECT_EQ(take(*subject), (words{"1:x", "2:x", "caught up 2"}));
}

TEST_F(Cursor, TakesAPageThatArrivedUnasked) {
  set_up();
  publish(2);
  const auto slow = std::make_shared<slow_log>(log_);
  open_feed(slow, {.page_entries = 1});
  const auto subject = join({.history_limit = everything});
  take(*subject);
  slow->answer();
  EXPECT_EQ(take(*subject), words{"1:x"});
  slow->answer();
  EXPECT_EQ(take(*subject), (words{"2:x", "caught up 2"}));
}

TEST_F(Cursor, ReadsNoMoreOfTheLogThanItHasCreditFor) {
  set_up();
  publish(100);
  const auto slow = std::make_shared<slow_log>(log_);
  open_feed(slow, {.page_entries = 64});
  const auto subject = join({.history_limit = everything, .credit = 2});
  take(*subject);
  EXPECT_EQ(slow->latest().limit, 2u);
  slow->answer();
  EXPECT_EQ(take(*subject, 2), (words{"1:x", "2:x"}));
  subject->granted(3, nullptr);
  take(*subject);
  EXPECT_EQ(slow->latest().limit, 3u);
  slow->answer();
  EXPECT_EQ(take(*subject, 3), (words{"3:x", "4:x", "5:x"}));
  subject->granted(UINT32_MAX, nullptr);
  take(*subject);
  EXPECT_EQ(slow->latest().limit, 64u);
}

TEST_F(Cursor, ReleasesAPageThatIsNotDrawnAndReadsItAgain) {
  set_up();
  publish(3);
  const auto slow = std::make_shared<slow_log>(log_);
  open_feed(slow);
  const auto subject = join({.history_limit = everything});
  take(*subject);
  slow->answer();
  EXPECT_EQ(take(*subject, 1), words{"1:x"});
  EXPECT_FALSE(subject->ended());
  EXPECT_EQ(take(*subject), words{});
  EXPECT_EQ(slow->latest().after, 1u);
  slow->answer();
  EXPECT_EQ(take(*subject), (words{"2:x", "3:x", "caught up 3"}));
}

TEST_F(Cursor, WantsNoPageThatIsNotDrawn) {
  set_up();
  publish(3);
  const auto slow = std::make_shared<slow_log>(log_);
  open_feed(slow);
  const auto subject = join({.history_limit = everything});
  take(*subject);
  EXPECT_TRUE(slow->latest().still_wanted());
  EXPECT_FALSE(subject->ended());
  EXPECT_FALSE(slow->latest().still_wanted());
  const auto before = subject->wakes();
  slow->answer();
  EXPECT_EQ(subject->wakes(), before);
  take(*subject);
  slow->answer();
  EXPECT_EQ(take(*subject).size(), 4u);
}

TEST_F(Cursor, GivesTheSameWhereverItsReaderPauses) {
  set_up({.room_entries = 8}, {.page_entries = 3});
  for (int n = 1; n <= 10; ++n) {
    change("+" + std::to_string(n), 1);
    change("-" + std::to_string(n), 1);
    publish(1);
  }
  const cursor::start from{.after_sequence = 1, .history_limit = 5};
  const auto expected = take(*join(from));
  const auto subject = join(from);
  words seen;
  for (rpc::payload next; subject->next(next) == outcome::message;) {
    seen.emplace_back(next.bytes);
    EXPECT_FALSE(subject->ended());
  }
  EXPECT_EQ(seen, expected);
}

TEST_F(Cursor, MayBeGoneWhenItsPageArrives) {
  set_up();
  publish(2);
  const auto slow = std::make_shared<slow_log>(log_);
  open_feed(slow);
  take(*join({.history_limit = everything}));
  readers_.clear();
  slow->answer();
  EXPECT_EQ(slow->waiting(), 0u);
}

TEST_F(Cursor, EndsWithTheStatusOfALogThatFails) {
  open_feed(std::make_shared<broken_log>());
  int failures = 0;
  const auto subject = join({.history_limit = everything}, [&] { ++failures; });
  rpc::payload next;
  EXPECT_EQ(subject->next(next), outcome::end);
  EXPECT_TRUE(subject->ended());
  EXPECT_EQ(subject->result().code, rpc::code::unavailable);
  EXPECT_EQ(subject->next(next), outcome::end);
  EXPECT_EQ(failures, 1);
}

TEST_F(Cursor, EndsWithDataLossWhereTheLogLacksWhatItHad) {
  using sequences = std::vector<std::uint64_t>;
  for (const auto& held : {sequences{}, sequences{2, 3}, sequences{1, 3}}) {
    open_feed(std::make_shared<forgetful_log>(held));
    const auto subject = join({.history_limit = everything});
    rpc::payload next;
    EXPECT_EQ(subject->next(next), outcome::end);
    EXPECT_EQ(subject->result().code, rpc::code::data_loss);
  }
}

TEST_F(Cursor, EndsAtOnceWhenTheRoomSaysSo) {
  set_up();
  const auto subject = join({});
  take(*subject);
  publish(3);
  EXPECT_FALSE(subject->ended());
  subject->end({rpc::code::aborted, "taken over"}, nullptr);
  rpc::payload next;
  EXPECT_TRUE(subject->ended());
  EXPECT_EQ(subject->next(next), outcome::end);
  EXPECT_EQ(subject->result(), (rpc::status{rpc::code::aborted, "taken over"}));
}

TEST_F(Cursor, IsWokenForItsEndEvenIfItOwesALook) {
  set_up();
  const auto subject = join({});
  take(*subject);
  publish(1);
  const auto before = subject->wakes();
  subject->end({rpc::code::aborted, {}}, nullptr);
  EXPECT_EQ(subject->wakes(), before + 1);
}

TEST_F(Cursor, KeepsTheFirstReasonForItsEnd) {
  set_up();
  const auto subject = join({});
  subject->end({rpc::code::aborted, "first"}, nullptr);
  subject->end({rpc::code::unavailable, "second"}, nullptr);
  EXPECT_EQ(subject->result().message, "first");
}

TEST_F(Cursor, LosesNoWakeToAWriterOnAnotherThread) {
  constexpr int last = 30'000;
  set_up({.dedupe_window = 0},
         {.tail = {.entries = 4 * tail::chunk_entries, .first_chunk_entries = tail::chunk_entries}});
  // The slower ones fall behind the tail and read in the log.
  for (int i = 0; i < 3; ++i) join({});
  std::vector<std::thread> threads;
  for (std::size_t slowness = 0; slowness < readers_.size(); ++slowness) {
    threads.emplace_back([subject = readers_[slowness], slowness] {
      std::uint64_t expected = 1;
      std::uint64_t changes = 0;
      rpc::payload next;
      for (;;) {
        const auto seen = subject->wakes();
        for (;;) {
          const auto result = subject->next(next);
          if (result == outcome::wait) break;
          ASSERT_EQ(result, outcome::message);
          if (next.bytes.front() == '+') {
            ++changes;
          } else if (next.bytes.front() != 'c') {
            ASSERT_EQ(next.bytes, std::to_string(expected) + ":x");
            ++expected;
          }
          if (slowness > 0 && expected % (1000 * slowness) == 0) std::this_thread::yield();
        }
        if (expected > last) break;
        subject->await_wake(seen);
        if (testing::Test::HasFatalFailure()) return;
      }
      EXPECT_LE(changes, static_cast<std::uint64_t>(last / 100));
    });
  }
  for (int i = 1; i <= last; ++i) {
    if (i % 100 == 0) change("+" + std::to_string(i), 9);
    publish(1);
  }
  for (auto& each : threads) each.join();
}

TEST_F(Cursor, MayEndWhileItIsReadOnAnotherThread) {
  set_up();
  const auto subject = join({});
  std::thread connection{[&] {
    rpc::payload next;
    for (;;) {
      const auto seen = subject->wakes();
      auto result = outcome::message;
      while (result == outcome::message) result = subject->next(next);
      if (result == outcome::end) break;
      subject->await_wake(seen);
      if (testing::Test::HasFatalFailure()) return;
    }
    EXPECT_EQ(subject->result().code, rpc::code::unavailable);
  }};
  publish(1000);
  subject->end({rpc::code::unavailable, "the room ended"}, nullptr);
  connection.join();
}

}  // namespace
}  // namespace switchboard::rooms
