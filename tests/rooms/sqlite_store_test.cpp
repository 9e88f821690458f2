// Rooms on disk: what a store says it has stored is there when the next one opens the directory.

#include "sqlite_fixture.hpp"
#include "unsteady_disk.hpp"

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <optional>
#include <thread>

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <switchboard/budget/account.hpp>
#include <switchboard/rooms/sqlite/data_directory.hpp>
#include <switchboard/rooms/sqlite_check.hpp>
#include <switchboard/rooms/sqlite_store.hpp>
#include <switchboard/testkit/eventually.hpp>

namespace switchboard::rooms {
namespace {

using namespace std::chrono_literals;
namespace files = std::filesystem;
using testkit::eventually;

/// While it lives no file may grow beyond some bytes.
class full_disk {
public:
  explicit full_disk(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    EXPECT_EQ(::getrlimit(RLIMIT_FSIZE, &before_), 0);
    const rlimit full{bytes, before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);
  }
  ~full_disk() { ::setrlimit(RLIMIT_FSIZE, &before_); }
  full_disk(const full_disk&) = delete;
  full_disk& operator=(const full_disk&) = delete;

private:
  rlimit before_{};
};

class SqliteStore : public SqliteDirectory {};

TEST_F(SqliteStore, CountsSequencesFromOneAndSaysHowSafeTheyAre) {
  const auto store = open();
  const auto log = store->open("r");
  const auto results = append(*log, {{"a", ""}, {"b", ""}});
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(results[0].sequence, 1u);
  EXPECT_EQ(results[1].sequence, 2u);
  EXPECT_EQ(results[0].safety, durability::fsynced);
  EXPECT_EQ(results[0].bytes.view(), "a");
  EXPECT_EQ(log->extent().last, 2u);
}

TEST_F(SqliteStore, KeepsRoomsMessagesAndTheLogsNameAcrossStores) {
  std::string log_id;
  {
    const auto store = open();
    append(*store->open("r"), {{"a", ""}, {"b", ""}});
    log_id = store->find("r")->extent().id;
  }
  const auto store = open();
  EXPECT_EQ(store->rooms("", 10), (std::vector<std::string>{"r"}));
  const auto log = store->find("r");
  ASSERT_TRUE(log);
  EXPECT_EQ(log->extent().id, log_id);
  EXPECT_EQ(bodies(read(*log, 0)), "1a 2b ");
  EXPECT_EQ(append(*log, "c").sequence, 3u);
}

TEST_F(SqliteStore, StoresARoomWithItsFirstMessage) {
  const auto store = open();
  const auto log = store->open("r");
  append(*store->open("other"), "a");
  another_program other{database()};
  EXPECT_EQ(other.ask("SELECT count(*) FROM rooms"), 1);
  append(*log, "a");
  EXPECT_EQ(other.ask("SELECT count(*) FROM rooms"), 2);
}

TEST_F(SqliteStore, ForgetsARoomWithoutMessagesThatAnEarlierVersionStored) {
  { append(*open()->open("r"), "a"); }
  run_sql("INSERT INTO rooms (name, log_id, first, last, bytes) VALUES (CAST('empty' AS BLOB), x'41', 1, 0, 0)");
  const auto store = open();
  EXPECT_EQ(store->rooms("", 10), (std::vector<std::string>{"r"}));
  EXPECT_EQ(append(*store->open("empty"), "a").sequence, 1u);
  EXPECT_NE(store->find("empty")->extent().id, "A");
}

TEST_F(SqliteStore, GoesOnWithRoomsThatVersion2StoredWithoutChecksums) {
  { append(*open()->open("r"), {{"a", "id"}, {"b", ""}}); }
  run_sql("ALTER TABLE rooms DROP COLUMN checksum; PRAGMA user_version = 2");
  const auto store = open();
  const auto log = store->open("r");
  EXPECT_TRUE(append(*log, "a", "id").duplicate);
  append(*log, "c");
  EXPECT_EQ(bodies(read(*log, 0)), "1a 2b 3c ");
}

TEST_F(SqliteStore, GoesOnWithMessagesThatAnEarlierVersionKeptWithoutRowids) {
  { append(*open()->open("r"), {{"a", "id"}, {"b", ""}}); }
  run_sql(
      "ALTER TABLE messages RENAME TO newer; CREATE TABLE messages (room INTEGER NOT NULL, sequence INTEGER NOT NULL, "
      "at INTEGER NOT NULL, body BLOB NOT NULL, checksum INTEGER, PRIMARY KEY (room, sequence)) WITHOUT ROWID, STRICT; "
      "INSERT INTO messages SELECT * FROM newer; DROP TABLE newer");
  const auto store = open({.keep = {.messages = 2}});
  const auto log = store->open("r");
  EXPECT_TRUE(append(*log, "a", "id").duplicate);
  append(*log, "c");
  EXPECT_EQ(bodies(read(*log, 0)), "2b 3c ");
}

TEST_F(SqliteStore, ForgetsALogThatIsClosedWithoutAMessage) {
  const auto store = open();
  const auto before = store->open("r")->extent().id;
  store->close("r");
  EXPECT_EQ(store->size(), 0u);
  EXPECT_EQ(store->find("r"), nullptr);
  EXPECT_NE(store->open("r")->extent().id, before);
  EXPECT_EQ(append(*store->find("r"), "a").sequence, 1u);
}

TEST_F(SqliteStore, GoesOnWithALogThatWasClosedAndKnowsItsIds) {
  const auto store = open({.age_check_interval = 1ms});
  append(*store->open("r"), "a", "id");
  const auto before = store->find("r")->extent().id;
  store->close("r");
  for (int n = 0; n < 10; ++n) append(*store->open("other"), "while time passes");
  const auto log = store->open("r");
  EXPECT_EQ(log->extent().id, before);
  EXPECT_EQ(append(*log, "a", "id").sequence, 1u);
  EXPECT_EQ(append(*log, "b").sequence, 2u);
}

TEST_F(SqliteStore, RemovesARoomSoThatOneOfItsNameBeginsAnew) {
  std::string before;
  {
    const auto store = open();
    append(*store->open("r"), "a secret", "id");
    append(*store->open("other"), "b", "id");
    before = store->find("r")->extent().id;
  }
  const auto removed = sqlite_store::remove(directory_ / "data", "r");
  ASSERT_TRUE(removed.ok()) << removed.message;
  EXPECT_EQ(content_of(database()).find("a secret"), std::string::npos) << "what it was is overwritten";
  EXPECT_EQ(check_sqlite(directory_ / "data", [](auto) { return true; })->faults, std::vector<std::string>{});
  const auto store = open();
  EXPECT_EQ(store->rooms("", 10), (std::vector<std::string>{"other"}));
  EXPECT_FALSE(append(*store->open("r"), "c", "id").duplicate);
  EXPECT_NE(store->find("r")->extent().id, before);
  EXPECT_TRUE(append(*store->open("other"), "b", "id").duplicate);
}

TEST_F(SqliteStore, RemovesNoRoomThatIsNotThereNorOneOfADirectoryInUse) {
  {
    const auto store = open();
    append(*store->open("r"), "a");
    EXPECT_EQ(sqlite_store::remove(directory_ / "data", "r").code, rpc::code::unavailable);
  }
  EXPECT_EQ(sqlite_store::remove(directory_ / "data", "elsewhere").code, rpc::code::not_found);
  EXPECT_EQ(open()->rooms("", 10), (std::vector<std::string>{"r"}));
}

TEST_F(SqliteStore, CommitsWhatWasAcceptedBeforeItsEnd) {
  std::vector<std::future<std::vector<append_result>>> under_way;
  {
    const auto store = open();
    const auto log = store->open("r");
    for (int n = 0; n < 200; ++n) under_way.push_back(begin_append(*log, {{"x", ""}}));
  }
  for (auto& each : under_way) EXPECT_TRUE(each.get().at(0).status.ok());
  EXPECT_EQ(open()->find("r")->extent().last, 200u);
}

TEST_F(SqliteStore, MayEndWhileWhatIsDoneAsksForMore) {
  { append(*open()->open("r"), std::vector<record>(100, record{"x", ""})); }
  /// Reads, and appends, again and again from the log's own threads.
  struct insatiable {
    explicit insatiable(std::shared_ptr<log> messages) : from(std::move(messages)) {}
    void read(std::uint64_t after) {
      from->read({.after = after, .limit = 1, .bytes = 1}, [this, after](log_page page) {
        if (page.status.ok()) return read((after + 1) % 100);
        read_end.set_value(page.status.code);
      });
    }
    void append() {
      from->append({{"x", ""}}, [this](auto results) {
        if (results.at(0).status.ok()) return append();
        append_end.set_value(results.at(0).status.code);
      });
    }
    const std::shared_ptr<log> from;
    std::promise<rpc::code> read_end;
    std::promise<rpc::code> append_end;
  };
  for (int n = 0; n < 30; ++n) {
    auto store = open({.safety = durability::written});
    insatiable one{store->find("r")};
    one.read(0);
    one.append();
    for (int i = 0; i < n * 20; ++i) std::this_thread::yield();
    store = nullptr;
    EXPECT_EQ(one.read_end.get_future().get(), rpc::code::unavailable);
    EXPECT_EQ(one.append_end.get_future().get(), rpc::code::unavailable);
  }
}

/// Keeps a log's thread that reads in the `done` of a page, until it is let go.
class held_reader {
public:
  explicit held_reader(log& of) {
    // The thread may still be here when this has ended.
    of.read({.limit = 1, .bytes = 1}, [held = held_, until = let_go_.get_future().share()](log_page) {
      held->set_value();
      until.wait();
    });
    held_->get_future().wait();
  }
  ~held_reader() { let_go(); }
  void let_go() {
    if (!std::exchange(is_let_go_, true)) let_go_.set_value();
  }

private:
  const std::shared_ptr<std::promise<void>> held_ = std::make_shared<std::promise<void>>();
  std::promise<void> let_go_;
  bool is_let_go_ = false;
};

TEST_F(SqliteStore, LetsReadersTakeTurns) {
  const auto store = open();
  const auto log = store->open("r");
  append(*log, "a");
  std::vector<std::uint64_t> order;
  std::promise<void> all;
  held_reader held{*log};
  for (int n = 0; n <= 100; ++n)
    log->read({.limit = 1, .bytes = 1, .reader = n < 100 ? 1u : 2u}, [&, n](log_page page) {
      EXPECT_TRUE(page.status.ok()) << page.status.message;
      order.push_back(n < 100 ? 1 : 2);
      if (order.size() == 101) all.set_value();
    });
  held.let_go();
  all.get_future().wait();
  EXPECT_EQ(order.at(1), 2u);
}

TEST_F(SqliteStore, DoesNotReadAPageThatNobodyWaitsForAnyMore) {
  const auto store = open();
  const auto log = store->open("r");
  append(*log, "a");
  bool wanted = true;
  std::promise<log_page> answer;
  {
    held_reader held{*log};
    log->read({.limit = 1, .bytes = 1, .still_wanted = [&] { return wanted; }},
              [&](log_page page) { answer.set_value(std::move(page)); });
    wanted = false;
  }
  const auto page = answer.get_future().get();
  EXPECT_EQ(page.status.code, rpc::code::cancelled);
  EXPECT_TRUE(page.entries.empty());
  EXPECT_EQ(bodies(read(*log, 0)), "1a ");
}

TEST_F(SqliteStore, EndsWithoutReadingThePagesThatStillWait) {
  auto store = open();
  const auto log = store->open("r");
  append(*log, "a");
  std::vector<rpc::code> answers;
  held_reader held{*log};
  for (int n = 0; n < 100; ++n)
    log->read({.limit = 1, .bytes = 1}, [&](log_page page) { answers.push_back(page.status.code); });
  std::thread ending{[&] { store = nullptr; }};
  // A log that has ended answers at once.
  EXPECT_TRUE(eventually([&] {
    const auto at_once = std::make_shared<std::atomic<bool>>(false);
    log->read({.limit = 1, .bytes = 1}, [at_once](log_page) { *at_once = true; });
    return at_once->load();
  }));
  held.let_go();
  ending.join();
  EXPECT_EQ(std::vector(answers.begin(), answers.begin() + 100), std::vector(100, rpc::code::unavailable));
}

// -- the files ------------------------------------------------------------------------------------------------------

/// While it lives files are made with all the rights that their makers ask for.
class without_umask {
public:
  without_umask() : before_(::umask(0)) {}
  ~without_umask() { ::umask(before_); }
  without_umask(const without_umask&) = delete;
  without_umask& operator=(const without_umask&) = delete;

private:
  const mode_t before_;
};

TEST_F(SqliteStore, KeepsItsFilesFromOthersWhateverTheUmask) {
  const without_umask all_rights;
  const auto store = open();
  append(*store->open("r"), "a");
  const auto rights_of = [&](const files::path& each) { return files::status(each).permissions(); };
  EXPECT_EQ(rights_of(directory_ / "data"), files::perms::owner_all);
  std::size_t seen = 0;
  for (const auto& each : files::directory_iterator(directory_ / "data")) {
    EXPECT_EQ(rights_of(each), files::perms::owner_read | files::perms::owner_write) << each;
    ++seen;
  }
  EXPECT_EQ(seen, 4u) << "the database, its two logs' files, the lock";
}

TEST_F(SqliteStore, NamesWhatOthersMayUseAndLeavesItSo) {
  { append(*open()->open("r"), "a"); }
  const auto data = directory_ / "data";
  {
    const auto claimed = sqlite::data_directory::claim(data);
    ASSERT_TRUE(claimed);
    EXPECT_TRUE(claimed->exposed().empty());
  }
  files::permissions(data, files::perms{0755});
  files::permissions(database(), files::perms{0640});
  EXPECT_TRUE(try_open());
  const auto claimed = sqlite::data_directory::claim(data);
  ASSERT_TRUE(claimed);
  EXPECT_EQ(claimed->exposed(), (std::vector{data, database()}));
}

TEST_F(SqliteStore, LeavesAFileAloneThatItsLockPointsTo) {
  const auto precious = directory_ / "precious";
  std::ofstream{precious} << "precious";
  const auto lock = directory_ / "data" / "lock";
  files::create_directory(directory_ / "data");
  using pointing = void (*)(const files::path&, const files::path&);
  for (const pointing point : {pointing{files::create_symlink}, pointing{files::create_hard_link}}) {
    point(precious, lock);
    const auto opened = try_open();
    ASSERT_FALSE(opened);
    EXPECT_NE(opened.status().message.find("lock"), std::string::npos) << opened.status().message;
    EXPECT_EQ(content_of(precious), "precious");
    files::remove(lock);
  }
  EXPECT_TRUE(try_open());
}

TEST_F(SqliteStore, LeavesALockAloneThatAnotherProgramWrote) {
  const auto lock = directory_ / "data" / "lock";
  files::create_directory(directory_ / "data");
  std::ofstream{lock} << "precious";
  const auto opened = try_open();
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.status().message.find("lock"), std::string::npos) << opened.status().message;
  EXPECT_EQ(content_of(lock), "precious");
}

TEST_F(SqliteStore, LeavesAFileAloneThatOneOfItsDatabasesFilesPointsTo) {
  const auto precious = directory_ / "precious";
  files::create_directory(directory_ / "data");
  for (const auto* name : {"rooms.db", "rooms.db-wal", "rooms.db-shm", "rooms.db-journal"}) {
    std::ofstream{precious}.flush();
    files::create_symlink(precious, directory_ / "data" / name);
    const auto opened = try_open();
    ASSERT_FALSE(opened) << name;
    EXPECT_NE(opened.status().message.find(std::string(name) + " is not a file of ours"), std::string::npos)
        << opened.status().message;
    EXPECT_EQ(content_of(precious), "");
    files::remove(directory_ / "data" / name);
  }
}

TEST_F(SqliteStore, TakesNothingForItsDatabaseThatIsNoFile) {
  files::create_directory(directory_ / "data");
  ASSERT_EQ(::mkfifo(database().c_str(), 0600), 0);
  EXPECT_FALSE(try_open()) << "and does not wait for the other end of a pipe";
}

TEST_F(SqliteStore, MayBeReachedThroughALinkToItsDirectory) {
  { append(*open()->open("r"), "a"); }
  files::create_directory_symlink(directory_ / "data", directory_ / "link");
  const auto opened = sqlite_store::open(body_alone, {.directory = directory_ / "link"});
  ASSERT_TRUE(opened) << opened.status().message;
  EXPECT_EQ(bodies(read(*(*opened)->find("r"), 0)), "1a ");
}

TEST_F(SqliteStore, SaysWhoseItsLockIsOnlyBesideADatabaseOfItsOwn) {
  { append(*open()->open("r"), "a"); }
  const auto lock = directory_ / "data" / "lock";
  EXPECT_EQ(content_of(lock), std::to_string(::getpid()));
  std::ofstream{lock} << "7";
  std::ofstream{database()}
      << "what is no database, and as long as the header of one would be: a hundred bytes, at least so many";
  EXPECT_FALSE(try_open());
  EXPECT_EQ(content_of(lock), "7");
}

TEST_F(SqliteStore, KnowsIdsAgainAcrossStores) {
  {
    const auto store = open();
    EXPECT_EQ(append(*store->open("r"), "a", "id").sequence, 1u);
  }
  const auto store = open();
  const auto again = append(*store->open("r"), "a", "id");
  EXPECT_TRUE(again.duplicate);
  EXPECT_EQ(again.sequence, 1u);
  EXPECT_EQ(store->find("r")->extent().last, 1u);
}

TEST_F(SqliteStore, TakesAnIdThatTheDatabaseHasTwiceForTheFirstMessage) {
  { append(*open()->open("r"), {{"a", "1"}, {"b", "2"}}); }
  run_sql("UPDATE ids SET id = x'31' WHERE sequence = 2");
  const auto store = open({.dedupe_window = 2});
  const auto log = store->find("r");
  EXPECT_EQ(append(*log, "a", "1").sequence, 1u);
  for (const auto* id : {"3", "4", "5"}) EXPECT_FALSE(append(*log, "x", id).duplicate);
  for (const auto* id : {"4", "5"}) EXPECT_TRUE(append(*log, "x", id).duplicate);
}

TEST_F(SqliteStore, FindsADuplicateInTheSameGroup) {
  const auto store = open();
  const auto results = append(*store->open("r"), {{"a", "id"}, {"b", ""}, {"a", "id"}});
  EXPECT_FALSE(results.at(0).duplicate);
  EXPECT_TRUE(results.at(2).duplicate);
  EXPECT_EQ(results.at(2).sequence, 1u);
}

TEST_F(SqliteStore, ForgetsIdsBeyondTheWindowAcrossStoresToo) {
  for (const bool anew : {false, true}) {
    auto store = open({.dedupe_window = 2});
    const auto room = anew ? "anew" : "same";
    for (const auto* id : {"1", "2", "3"}) append(*store->open(room), "x", id);
    if (anew) {
      store = nullptr;
      store = open({.dedupe_window = 2});
    }
    EXPECT_TRUE(append(*store->open(room), "x", "2").duplicate) << anew;
    EXPECT_FALSE(append(*store->open(room), "x", "1").duplicate) << anew;
  }
}

TEST_F(SqliteStore, ReadsPagesOfBoundedLengthAndBytes) {
  const auto store = open();
  const auto log = store->open("r");
  append(*log, {{"aa", ""}, {"bb", ""}, {"cc", ""}, {"dd", ""}});
  EXPECT_EQ(bodies(read(*log, 1, 2)), "2bb 3cc ");
  EXPECT_EQ(bodies(read(*log, 0, 10, 5)), "1aa 2bb ");
  EXPECT_EQ(bodies(read(*log, 0, 10, 1)), "1aa ");
  EXPECT_EQ(bodies(read(*log, 4)), "");
  EXPECT_EQ(bodies(read(*log, ~std::uint64_t{0})), "");
}

TEST_F(SqliteStore, TrimsByCount) {
  const auto store = open({.keep = {.messages = 2}});
  const auto log = store->open("r");
  for (const auto* body : {"a", "b", "c"}) append(*log, body);
  EXPECT_EQ(log->extent().first, 2u);
  EXPECT_EQ(bodies(read(*log, 0)), "2b 3c ");
}

TEST_F(SqliteStore, TrimsByBytesOfTheEntries) {
  const auto store = open({.keep = {.bytes = 5}});
  const auto log = store->open("r");
  for (const auto* body : {"aaa", "bbb", "cc"}) append(*log, body);
  EXPECT_EQ(bodies(read(*log, 0)), "2bbb 3cc ");
}

std::chrono::system_clock::time_point two_hours_ago() {
  return std::chrono::system_clock::now() - 2h;
}

TEST_F(SqliteStore, TrimsByAgeWhatIsOnDisk) {
  { append(*open({.time_of_day = two_hours_ago})->open("r"), "a"); }
  // As a broker leaves it that ran until now.
  { append(*open()->open("r"), "b"); }
  run_sql("UPDATE clock SET at = (SELECT max(at) FROM messages)");
  const auto store = open({.keep = {.age = 1h}});
  append(*store->open("r"), "c");
  EXPECT_EQ(bodies(read(*store->find("r"), 0)), "2b 3c ");
}

TEST_F(SqliteStore, TrimsByAgeARoomThatIsQuietWhileAnotherIsBusy) {
  { append(*open({.time_of_day = two_hours_ago})->open("quiet"), {{"a", ""}, {"b", ""}}); }
  { append(*open()->open("busy"), "x"); }
  run_sql("UPDATE clock SET at = (SELECT max(at) FROM messages)");
  const auto store = open({.keep = {.age = 1h}, .age_check_interval = 50ms});
  const auto quiet = store->find("quiet");
  EXPECT_TRUE(eventually([&] {
    append(*store->find("busy"), "x");
    return quiet->extent().first == 3;
  }));
}

TEST_F(SqliteStore, TrimsByAgeALogThatIsClosed) {
  { append(*open({.time_of_day = two_hours_ago})->open("r"), "a"); }
  run_sql("UPDATE clock SET at = 0");
  const auto store = open({.keep = {.age = 1h}, .age_check_interval = 50ms});
  store->close("r");
  EXPECT_TRUE(eventually([&] { return store->find("r")->extent().first == 2; }));
}

TEST_F(SqliteStore, TrimsNothingForAClockThatJumpsAhead) {
  static std::atomic<std::chrono::hours> ahead;
  ahead = 0h;
  const sqlite_options options{.keep = {.age = 1h}, .age_check_interval = 1ms, .time_of_day = [] {
                                 return std::chrono::system_clock::now() + ahead.load();
                               }};
  {
    const auto store = open(options);
    append(*store->open("r"), "a");
    ahead = 2h;
    for (int n = 0; n < 20; ++n) append(*store->find("r"), "x");
    EXPECT_EQ(store->find("r")->extent().first, 1u) << "while it runs";
  }
  for (const auto* when : {"at the start", "and when it starts again with messages of that clock"}) {
    const auto store = open(options);
    append(*store->find("r"), "y");
    EXPECT_EQ(store->find("r")->extent().first, 1u) << when;
  }
  ahead = 0h;
  const auto store = open(options);
  append(*store->find("r"), "z");
  EXPECT_EQ(store->find("r")->extent().first, 1u) << "and when it is set right";
}

TEST_F(SqliteStore, KeepsTheTimeThatItBelievesForTheNextWhateverItsOwnEnd) {
  const auto store = open();
  append(*store->open("r"), "a");
  EXPECT_EQ(another_program{database()}.ask("SELECT messages.at - clock.at < 1000 FROM messages, clock"), 1);
}

TEST_F(SqliteStore, TrimsNothingWhereItWasNotOpenForLong) {
  { append(*open({.time_of_day = two_hours_ago})->open("r"), "a"); }
  const auto store = open({.keep = {.age = 1h}});
  append(*store->find("r"), "b");
  EXPECT_EQ(store->find("r")->extent().first, 1u);
}

TEST_F(SqliteStore, TrimsAsMuchAsIsPublished) {
  const auto store = open({.keep = {.messages = 10}});
  const auto log = store->open("r");
  for (int n = 0; n < 3; ++n) {
    append(*log, std::vector<record>(4'000, record{"x", ""}));
    EXPECT_EQ(log->extent().last + 1 - log->extent().first, 10u);
  }
}

TEST_F(SqliteStore, TrimsRoomsThatNobodyPublishesTo) {
  constexpr int rooms = 20;
  {
    const auto store = open();
    for (int n = 0; n < rooms; ++n)
      append(*store->open(std::to_string(n)), std::vector<record>(n == 0 ? 4'500 : 20, record{"x", ""}));
  }
  const auto store = open({.keep = {.messages = 10}});
  for (int n = 0; n < rooms; ++n) {
    const auto log = store->find(std::to_string(n));
    EXPECT_TRUE(eventually([&] { return log->extent().last + 1 - log->extent().first == 10; })) << n;
    EXPECT_EQ(read(*log, 0).entries.size(), 10u);
  }
}

TEST_F(SqliteStore, KnowsTheIdsOfARoomThatItTrimmedBeforeAnybodyPublished) {
  { append(*open()->open("r"), {{"a", "id"}, {"b", ""}}); }
  const auto store = open({.keep = {.messages = 1}});
  const auto log = store->find("r");
  ASSERT_TRUE(eventually([&] { return log->extent().first == 2; }));
  EXPECT_TRUE(append(*log, "a", "id").duplicate);
}

TEST_F(SqliteStore, RemembersAnIdWhoseMessageWasTrimmed) {
  const auto store = open({.keep = {.messages = 1}});
  const auto log = store->open("r");
  append(*log, "a", "id");
  append(*log, "b");
  EXPECT_EQ(append(*log, "a", "id").sequence, 1u);
}

TEST_F(SqliteStore, TellsWhoWatchesBeforeTheAppendIsDone) {
  const auto store = open();
  const auto log = store->open("r");
  std::uint64_t told = 0;
  const auto grown = std::make_shared<const std::function<void()>>([&] { told = log->extent().last; });
  log->watch(grown);
  append(*log, "a");
  EXPECT_EQ(told, 1u);
}

TEST_F(SqliteStore, SaysInAPageWhatItsOwnStateOfTheDatabaseKeeps) {
  const auto store = open();
  const auto log = store->open("r");
  append(*log, {{"a", ""}, {"b", ""}});
  // Committed, but not yet shown: what a reader finds between the two.
  run_sql(
      "INSERT INTO messages (room, sequence, at, body) SELECT room, sequence + 2, at, body FROM messages; DELETE FROM "
      "messages WHERE sequence <= "
      "2;"
      "UPDATE rooms SET first = 3, last = 4, checksum = NULL");
  const auto page = read(*log, 0);
  EXPECT_TRUE(page.status.ok()) << page.status.message;
  EXPECT_EQ(bodies(page), "");
  EXPECT_EQ(page.extent.first, 3u) << "there is a reason for the lack of 1 and 2";
}

TEST_F(SqliteStore, SkipsNoMessageThatIsMissingWithoutAReason) {
  const auto store = open();
  const auto log = store->open("r");
  append(*log, {{"a", ""}, {"b", ""}, {"c", ""}});
  run_sql("DELETE FROM messages WHERE sequence = 2");
  EXPECT_EQ(bodies(read(*log, 0, 1)), "1a ");
  EXPECT_EQ(read(*log, 0).status.code, rpc::code::data_loss);
  EXPECT_EQ(read(*log, 2).status.code, rpc::code::data_loss) << "from now on";
}

TEST_F(SqliteStore, RefusesADirectoryThatIsInUse) {
  const auto store = open();
  const auto second = try_open();
  ASSERT_FALSE(second);
  EXPECT_NE(second.status().message.find("in use by another broker"), std::string::npos) << second.status().message;
}

TEST_F(SqliteStore, RefusesAPlaceThatIsNoDirectory) {
  std::ofstream(directory_ / "data") << "a file";
  EXPECT_FALSE(try_open());
}

TEST_F(SqliteStore, RefusesADamagedDatabaseAndLeavesItAsItIs) {
  { append(*open()->open("r"), "a"); }
  std::string damaged(8192, 'x');
  std::ofstream(database(), std::ios::binary) << damaged;
  const auto opened = try_open();
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.status().message.find("rooms.db"), std::string::npos) << opened.status().message;
  EXPECT_EQ(content_of(database()), damaged);
}

TEST_F(SqliteStore, RefusesADatabaseOfAnotherApplicationOrOfANewerVersion) {
  { append(*open()->open("r"), "a"); }
  run_sql("PRAGMA user_version = 999");
  EXPECT_FALSE(try_open());
  run_sql("PRAGMA user_version = 2; PRAGMA application_id = 7");
  EXPECT_FALSE(try_open());
}

TEST_F(SqliteStore, LeavesADatabaseOfAnotherApplicationAsItIs) {
  files::create_directory(directory_ / "data");
  // With all that it has in its write-ahead log, which SQLite would move even for a reader.
  another_program theirs{database()};
  theirs.run("PRAGMA journal_mode = WAL; PRAGMA application_id = 7; CREATE TABLE theirs (a)");
  theirs.run("PRAGMA wal_checkpoint; INSERT INTO theirs VALUES (1)");
  files::copy(directory_ / "data", directory_ / "copy");
  EXPECT_FALSE(sqlite_store::open(body_alone, {.directory = directory_ / "copy"}));
  EXPECT_FALSE(check_sqlite(directory_ / "copy", [](auto) { return true; }));
  std::size_t seen = 0;
  for (const auto& each : files::directory_iterator(directory_ / "copy")) {
    EXPECT_EQ(content_of(each), content_of(directory_ / "data" / each.path().filename())) << each;
    ++seen;
  }
  EXPECT_EQ(seen, 3u) << "nothing is added to them";
}

TEST_F(SqliteStore, RefusesAWriteAheadLogWhoseDatabaseIsLostAndLeavesItAsItIs) {
  const auto store = open();
  append(*store->open("r"), "a");
  const auto log = database().string() + "-wal";
  const auto written = content_of(log);
  ASSERT_FALSE(written.empty());
  for (const bool there : {true, false}) {
    // As if the program had ended here without tidying up, and somebody had lost the file.
    const auto elsewhere = directory_ / (there ? "emptied" : "missing");
    files::create_directory(elsewhere);
    files::copy(log, elsewhere / "rooms.db-wal");
    if (there) std::ofstream(elsewhere / "rooms.db").flush();
    const auto opened = sqlite_store::open(body_alone, {.directory = elsewhere});
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.status().code, rpc::code::data_loss) << opened.status().message;
    EXPECT_EQ(check_sqlite(elsewhere, [](auto) { return true; }).status().code, rpc::code::data_loss);
    EXPECT_EQ(content_of(elsewhere / "rooms.db-wal"), written);
  }
}

TEST_F(SqliteStore, FailsTheRoomAloneWhoseStatementsFail) {
  const auto store = open();
  const auto bad = store->open("bad");
  const auto good = store->open("good");
  append(*good, "a");
  append(*bad, "w");
  another_program other{database()};
  other.run(
      "INSERT INTO messages (room, sequence, at, body) SELECT id, 2, 0, x'61' FROM rooms WHERE name = CAST('bad' AS "
      "BLOB); BEGIN IMMEDIATE");
  // While the first waits for the other program, the rest comes together.
  auto first = begin_append(*good, {{"b", ""}});
  auto failed = begin_append(*bad, {{"x", ""}});
  auto stored = begin_append(*good, {{"c", ""}});
  other.run("COMMIT");
  EXPECT_EQ(first.get().at(0).sequence, 2u);
  EXPECT_EQ(failed.get().at(0).status.code, rpc::code::unavailable);
  EXPECT_EQ(stored.get().at(0).sequence, 3u);
  EXPECT_EQ(bodies(read(*good, 0)), "1a 2b 3c ");
}

TEST_F(SqliteStore, KnowsNoIdOfAMessageThatItRolledBackAlone) {
  const auto store = open();
  const auto bad = store->open("bad");
  ASSERT_EQ(append(*bad, "a", "first").sequence, 1u);
  another_program other{database()};
  // In the way of the second message of two.
  other.run("INSERT INTO messages (room, sequence, at, body) SELECT id, 3, 0, x'61' FROM rooms");
  auto failed = begin_append(*bad, {{"b", "second"}, {"c", "third"}});
  EXPECT_EQ(failed.get().at(1).status.code, rpc::code::unavailable);
  other.run("DELETE FROM messages WHERE sequence = 3");
  const auto again = append(*bad, "b", "second");
  EXPECT_EQ(again.sequence, 2u);
  EXPECT_FALSE(again.duplicate);
  EXPECT_TRUE(append(*bad, "a", "first").duplicate);
}

TEST_F(SqliteStore, SaysUnavailableWhileAnotherProgramHoldsTheDatabaseAndGoesOnAfterwards) {
  const auto store = open();
  const auto log = store->open("r");
  append(*log, "a");
  another_program other{database()};
  other.run("BEGIN IMMEDIATE");
  EXPECT_EQ(append(*log, "b").status.code, rpc::code::unavailable);
  EXPECT_EQ(bodies(read(*log, 0)), "1a ") << "readers go on";
  other.run("COMMIT");
  EXPECT_EQ(append(*log, "c").sequence, 2u) << "the failed one left no gap";
  EXPECT_EQ(bodies(read(*log, 0)), "1a 2c ");
}

TEST_F(SqliteStore, GivesHistoryWhereTheDiskIsFullBeforeAnybodyHasRead) {
  { append(*open()->open("r"), "a"); }
  const auto store = open();
  const auto log = store->find("r");
  const full_disk full{0};
  EXPECT_EQ(append(*log, "b").status.code, rpc::code::resource_exhausted);
  const auto page = read(*log, 0);
  EXPECT_TRUE(page.status.ok()) << page.status.message;
  EXPECT_EQ(bodies(page), "1a ");
}

TEST_F(SqliteStore, SaysResourceExhaustedWhereSpaceRunsOutAndGoesOnWhenThereIsSomeAgain) {
  const auto store = open();
  const auto log = store->open("r");
  const std::string large(20'000, 'x');
  ASSERT_EQ(append(*log, large, "first").sequence, 1u);
  std::optional<full_disk> full{std::in_place, 100'000};
  std::uint64_t stored = 1;
  auto refused = rpc::code::ok;
  for (int n = 0; n < 50 && refused == rpc::code::ok; ++n) {
    const auto result = append(*log, large, "id" + std::to_string(n));
    refused = result.status.code;
    if (result.status.ok()) {
      ++stored;
      EXPECT_EQ(result.sequence, stored);
    }
  }
  EXPECT_EQ(refused, rpc::code::resource_exhausted);
  EXPECT_EQ(read(*log, 0).entries.size(), stored) << "readers go on";
  full.reset();
  EXPECT_EQ(append(*log, large).sequence, stored + 1);
  EXPECT_EQ(append(*log, large, "first").sequence, 1u) << "ids are known as before";
  EXPECT_EQ(read(*log, 0).entries.size(), stored + 1);
}

TEST_F(SqliteStore, GivesHistoryAndAcknowledgesNothingWhileTheDiskHangs) {
  unsteady_disk disk;
  const auto store = open();
  const auto log = store->open("r");
  append(*log, "a");
  disk.hold_syncs();
  auto under_way = begin_append(*log, {{"b", ""}});
  EXPECT_TRUE(eventually([&] { return disk.holds_one(); }));
  EXPECT_EQ(bodies(read(*log, 0)), "1a ");
  EXPECT_EQ(log->extent().last, 1u);
  EXPECT_EQ(under_way.wait_for(0s), std::future_status::timeout);
  disk.recover();
  EXPECT_EQ(under_way.get().at(0).sequence, 2u);
  EXPECT_EQ(bodies(read(*log, 0)), "1a 2b ");
}

TEST_F(SqliteStore, CountsTransactionsTheirSizesAndHowLongTheyTake) {
  unsteady_disk disk;
  const auto figures = std::make_shared<metrics::registry>();
  const auto store = open({.figures = figures});
  const auto log = store->open("r");
  append(*log, {{"a", ""}, {"b", ""}, {"c", ""}});
  disk.fail_syncs();
  append(*log, "d");
  const auto read = figures->read();
  // The room itself may have been stored by a transaction of its own.
  const auto commits = read.value("switchboard_journal_commits_total");
  EXPECT_GE(commits, 1);
  EXPECT_EQ(read.value("switchboard_journal_failures_total"), 1);
  EXPECT_EQ(read.value("switchboard_journal_commit_duration_seconds"), commits + 1);
  EXPECT_GT(read.find("switchboard_journal_commit_duration_seconds", {})->sum, 0);
  EXPECT_EQ(read.value("switchboard_journal_batch_messages"), 1);
  EXPECT_EQ(read.find("switchboard_journal_batch_messages", {})->sum, 3);
}

TEST_F(SqliteStore, SaysHowMuchWaitsForTheDisk) {
  unsteady_disk disk;
  const auto figures = std::make_shared<metrics::registry>();
  const auto store = open({.figures = figures});
  const auto log = store->open("r");
  append(*log, "a");
  disk.hold_syncs();
  auto held = begin_append(*log, {{"b", ""}});
  ASSERT_TRUE(eventually([&] { return disk.holds_one(); }));
  auto waiting = begin_append(*log, {{"c", ""}, {"d", ""}});
  EXPECT_EQ(figures->read().value("switchboard_journal_queued_messages"), 2);
  disk.recover();
  held.get();
  waiting.get();
  EXPECT_EQ(figures->read().value("switchboard_journal_queued_messages"), 0);
}

TEST_F(SqliteStore, StoresOnceWhatIsPublishedAgainAfterTheDiskFailed) {
  unsteady_disk disk;
  std::string stored;
  {
    const auto store = open();
    const auto log = store->open("r");
    for (std::uint64_t sequence = 1; sequence <= 10; ++sequence) {
      const auto body = "m" + std::to_string(sequence);
      if (sequence % 3 == 0) {
        disk.fail_syncs();
        for (int attempt = 0; attempt < 2; ++attempt)
          EXPECT_EQ(append(*log, body, body).status.code, rpc::code::unavailable);
        EXPECT_EQ(bodies(read(*log, 0)), stored);
        disk.recover();
      }
      const auto result = append(*log, body, body);
      EXPECT_TRUE(result.status.ok()) << result.status.message;
      EXPECT_EQ(result.sequence, sequence);
      stored += std::to_string(sequence) + body + " ";
    }
    EXPECT_EQ(bodies(read(*log, 0)), stored);
  }
  const auto store = open();
  EXPECT_EQ(bodies(read(*store->find("r"), 0)), stored);
}

TEST_F(SqliteStore, RefusesWhatIsMoreThanMayWait) {
  const auto figures = std::make_shared<metrics::registry>();
  const auto store = open({.figures = figures});
  const auto log = store->open("r");
  std::vector<std::future<std::vector<append_result>>> all;
  for (int n = 0; n < 40; ++n) all.push_back(begin_append(*log, std::vector<record>(4'000, record{"x", ""})));
  std::uint64_t stored = 0;
  int refused = 0;
  for (auto& each : all) {
    const auto results = each.get();
    if (results.at(0).status.ok())
      stored += results.size();
    else if (results.at(0).status.code == rpc::code::resource_exhausted)
      ++refused;
  }
  EXPECT_GT(refused, 0);
  EXPECT_EQ(figures->read().value("switchboard_limit_hits_total", {"journal_messages_max"}), refused);
  EXPECT_EQ(log->extent().last, stored);
}

TEST_F(SqliteStore, RefusesMoreBytesThanMayWaitAndCountsThoseThatDo) {
  constexpr std::size_t mib = 1 << 20;
  unsteady_disk disk;
  const auto figures = std::make_shared<metrics::registry>();
  const auto memory = std::make_shared<budget::ledger>(1024 * mib);
  const auto counted = [&] { return memory->used_by(budget::owner::journal); };
  const auto store = open({.figures = figures, .memory = memory});
  const auto log = store->open("r");
  append(*log, "a");
  disk.hold_syncs();
  auto held = begin_append(*log, {{"b", ""}});
  ASSERT_TRUE(eventually([&] { return disk.holds_one(); }));
  std::vector<std::future<std::vector<append_result>>> waiting;
  for (int n = 0; n < 40; ++n) waiting.push_back(begin_append(*log, {{std::string(mib, 'x'), ""}}));
  EXPECT_GT(counted(), 15 * mib);
  EXPECT_LT(counted(), 17 * mib);
  disk.recover();
  held.get();
  int refused = 0;
  for (auto& each : waiting)
    if (each.get().at(0).status.code == rpc::code::resource_exhausted) ++refused;
  EXPECT_EQ(refused, 24) << "16 of them are half of 32 MiB";
  EXPECT_EQ(figures->read().value("switchboard_limit_hits_total", {"journal_bytes_max"}), refused);
  EXPECT_TRUE(eventually([&] { return counted() <= budget::account::slack; }));
}

TEST_F(SqliteStore, LetsWaitNoMoreThanAQuarterOfTheServersMemory) {
  constexpr std::size_t kib = 1 << 10;
  unsteady_disk disk;
  const auto memory = std::make_shared<budget::ledger>(4096 * kib);
  const auto store = open({.memory = memory});
  append(*store->open("r"), "a");
  disk.hold_syncs();
  auto held = begin_append(*store->open("r"), {{"b", ""}});
  ASSERT_TRUE(eventually([&] { return disk.holds_one(); }));
  std::vector<std::future<std::vector<append_result>>> waiting;
  for (int n = 0; n < 400; ++n)
    waiting.push_back(begin_append(*store->open(std::to_string(n % 20)), {{std::string(10 * kib, 'x'), ""}}));
  EXPECT_GT(memory->used_by(budget::owner::journal), 900 * kib);
  EXPECT_LT(memory->used_by(budget::owner::journal), 1024 * kib + 2 * budget::account::slack);
  disk.recover();
  held.get();
  for (auto& each : waiting) each.get();
}

TEST_F(SqliteStore, KnowsIdsAgainThatItReleasedToKeepWithinRoomsMemory) {
  const auto within = std::make_shared<room_memory>(std::size_t{64} << 10);
  const auto store = open({.safety = durability::written, .within = within});
  std::vector<record> records;
  for (int n = 0; n < 500; ++n) records.push_back({"x", "id " + std::to_string(n)});
  for (const auto* room : {"a", "b", "c", "d", "e", "f"}) append(*store->open(room), records);
  EXPECT_LE(within->used(), within->limit());
  for (const auto* room : {"a", "f", "c"})
    for (const auto& each : append(*store->open(room), records)) EXPECT_TRUE(each.duplicate);
}

}  // namespace
}  // namespace switchboard::rooms
