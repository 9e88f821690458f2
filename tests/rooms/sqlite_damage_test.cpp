// Rooms whose database is not as it was written: damage is a status, and never a message that is silently missing.

#include "sqlite_fixture.hpp"

#include <switchboard/rooms/sqlite/stored_message.hpp>
#include <switchboard/rooms/sqlite_check.hpp>

namespace switchboard::rooms {
namespace {

using lines = std::vector<std::string>;

class SqliteDamage : public SqliteDirectory {
protected:
  void store_three() { append(*open()->open("r"), {{"a", "1"}, {"b", "2"}, {"c", ""}}); }
  /// As a broker left it that knew no checksums.
  void make_version_1() {
    run_sql(
        "ALTER TABLE rooms DROP COLUMN checksum; ALTER TABLE messages DROP COLUMN checksum; DROP TABLE clock; "
        "PRAGMA user_version = 1");
  }

  static bool is_body(std::string_view body) { return body != "no body"; }
  sqlite_check_report check() {
    auto report = check_sqlite(directory_ / "data", is_body);
    EXPECT_TRUE(report) << report.status().message;
    return report ? std::move(*report) : sqlite_check_report{};
  }
};

TEST_F(SqliteDamage, IsTheWordOfTheChecksum) {
  EXPECT_EQ(sqlite::checksum_of("", 0, 0, ""), 0xecbb4b55u) << "of sixteen zero bytes";
  const auto whole = sqlite::checksum_of("r", 1, 2, "body");
  EXPECT_NE(sqlite::checksum_of("s", 1, 2, "body"), whole);
  EXPECT_NE(sqlite::checksum_of("r", 2, 2, "body"), whole);
  EXPECT_NE(sqlite::checksum_of("r", 1, 3, "body"), whole);
  EXPECT_NE(sqlite::checksum_of("r", 1, 2, "bodz"), whole);
}

TEST_F(SqliteDamage, OfABodyIsAStatusOfEveryPage) {
  store_three();
  run_sql("UPDATE messages SET body = CAST('x' AS BLOB) WHERE sequence = 2");
  const auto store = open();
  const auto log = store->find("r");
  EXPECT_TRUE(log->condition().ok());
  const auto page = read(*log, 0);
  EXPECT_EQ(page.status.code, rpc::code::data_loss);
  EXPECT_NE(page.status.message.find("message 2 is damaged"), std::string::npos) << page.status.message;
  EXPECT_EQ(log->condition().code, rpc::code::data_loss);
  EXPECT_EQ(append(*log, "d").status.code, rpc::code::data_loss);
}

TEST_F(SqliteDamage, OfAnythingInAMessageIsFound) {
  for (const auto* what : {"at = at + 1", "sequence = 4", "checksum = 0", "body = CAST('x' AS BLOB)"}) {
    store_three();
    run_sql("UPDATE messages SET " + std::string(what) + " WHERE sequence = 3; UPDATE rooms SET last = 4 WHERE " +
            (std::string(what) == "sequence = 4" ? "1" : "0"));
    EXPECT_EQ(read(*open()->find("r"), 0).status.code, rpc::code::data_loss) << what;
    std::filesystem::remove_all(directory_ / "data");
  }
}

TEST_F(SqliteDamage, OfARoomsEndsIsKnownAtTheStart) {
  for (const auto* what :
       {"UPDATE rooms SET first = 4", "UPDATE rooms SET first = 2", "UPDATE rooms SET first = 0",
        "UPDATE rooms SET first = 9", "UPDATE rooms SET last = 2", "UPDATE rooms SET last = 4",
        "DELETE FROM messages WHERE sequence = 3", "DELETE FROM messages WHERE sequence = 1", "DELETE FROM messages",
        "UPDATE rooms SET first = 1, last = 0", "UPDATE rooms SET log_id = x'41'", "UPDATE rooms SET bytes = bytes + 1",
        "DELETE FROM messages; UPDATE rooms SET first = 9, last = 8"}) {
    store_three();
    run_sql(what);
    const auto store = open();
    ASSERT_TRUE(store) << what;
    const auto log = store->find("r");
    EXPECT_EQ(log->condition().code, rpc::code::data_loss) << what;
    EXPECT_EQ(read(*log, 0).status.code, rpc::code::data_loss) << what;
    EXPECT_EQ(append(*log, "d").status.code, rpc::code::data_loss) << what;
    EXPECT_EQ(append(*store->open("another"), "a").sequence, 1u) << what;
    std::filesystem::remove_all(directory_ / "data");
  }
}

TEST_F(SqliteDamage, OfARoomsRowIsAStatusOfThePageThatReadsIt) {
  store_three();
  const auto store = open();
  const auto log = store->find("r");
  run_sql("UPDATE rooms SET first = 3");
  EXPECT_EQ(read(*log, 0).status.code, rpc::code::data_loss) << "and not a room whose messages 1 and 2 retention took";
}

TEST_F(SqliteDamage, OfARoomsRowRefusesItsAppendsAndNoOthers) {
  store_three();
  const auto store = open();
  run_sql("UPDATE rooms SET bytes = 0");
  auto refused = begin_append(*store->open("r"), {{"d", ""}});
  auto stored = begin_append(*store->open("another"), {{"a", ""}});
  EXPECT_EQ(refused.get().at(0).status.code, rpc::code::data_loss);
  EXPECT_EQ(stored.get().at(0).sequence, 1u);
}

TEST_F(SqliteDamage, IsNotTrimmedAway) {
  store_three();
  run_sql("UPDATE messages SET at = 0 WHERE sequence = 1");
  {
    const auto store = open({.keep = {.age = std::chrono::hours{1}}});
    append(*store->open("r"), "d");
  }
  EXPECT_EQ(check().faults, lines{"r: message 1: damaged"});
}

TEST_F(SqliteDamage, OfMessagesWithoutARoomIsRefused) {
  store_three();
  run_sql("UPDATE messages SET room = 7");
  const auto opened = try_open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.status().code, rpc::code::data_loss);
}

TEST_F(SqliteDamage, OfTablesIsRefusedInOneLine) {
  for (const auto* what : {"DROP TABLE ids", "DROP TABLE messages", "ALTER TABLE rooms RENAME COLUMN first TO initial",
                           "ALTER TABLE messages DROP COLUMN checksum", "ALTER TABLE rooms DROP COLUMN checksum"}) {
    store_three();
    run_sql(what);
    const auto opened = try_open();
    ASSERT_FALSE(opened) << what;
    EXPECT_EQ(opened.status().code, rpc::code::data_loss) << what;
    EXPECT_NE(opened.status().message.find("rooms.db: its tables are damaged: no such "), std::string::npos)
        << opened.status().message;
    EXPECT_EQ(opened.status().message.find('\n'), std::string::npos);
    EXPECT_EQ(check().faults.size(), 1u) << what;
    std::filesystem::remove_all(directory_ / "data");
  }
}

TEST_F(SqliteDamage, OfAnOlderDatabasesTablesIsRefusedBeforeItIsMadeANewerOne) {
  store_three();
  make_version_1();
  run_sql("ALTER TABLE rooms RENAME COLUMN first TO initial");
  EXPECT_EQ(try_open().status().code, rpc::code::data_loss);
  EXPECT_EQ(another_program{database()}.ask("PRAGMA user_version"), 1);
}

TEST_F(SqliteDamage, IsNotLookedForWithoutAChecksum) {
  store_three();
  make_version_1();
  {
    const auto store = open();
    const auto log = store->find("r");
    EXPECT_EQ(append(*log, "d").sequence, 4u);
    EXPECT_EQ(bodies(read(*log, 0)), "1a 2b 3c 4d ");
  }
  EXPECT_EQ(another_program{database()}.ask("SELECT count(*) FROM rooms WHERE checksum IS NULL"), 0)
      << "a row has one as soon as it is written";
  const auto report = check();
  EXPECT_EQ(report.faults, lines{});
  ASSERT_EQ(report.rooms.size(), 1u);
  EXPECT_EQ(report.rooms[0].without_checksum, 3u);
}

TEST_F(SqliteDamage, IsLookedForInAnOlderDatabaseWithoutMakingItANewerOne) {
  store_three();
  make_version_1();
  const auto report = check();
  EXPECT_EQ(report.faults, lines{});
  ASSERT_EQ(report.rooms.size(), 1u);
  EXPECT_EQ(report.rooms[0].without_checksum, 3u);
  EXPECT_EQ(another_program{database()}.ask("PRAGMA user_version"), 1);
}

TEST_F(SqliteDamage, IsNamedByACheck) {
  const auto named = [this](const std::string& what, const lines& faults) {
    store_three();
    EXPECT_EQ(check().faults, lines{});
    run_sql(what);
    EXPECT_EQ(check().faults, faults) << what;
    std::filesystem::remove_all(directory_ / "data");
  };
  const std::string row = "r: what it says of where its messages begin and end is not as it was written";
  named("UPDATE rooms SET log_id = x'41'", {row});
  named("UPDATE rooms SET bytes = bytes + 1", {row});
  named("UPDATE ids SET id = x'31' WHERE sequence = 2", {"r: one id for two messages"});
  named("UPDATE ids SET sequence = 9 WHERE sequence = 2", {"r: an id of message 9, after the last"});
  named("DELETE FROM messages WHERE sequence IN (1, 2)", {"r: messages 1 to 2: missing"});
  named("DELETE FROM messages WHERE sequence = 3", {"r: message 3: missing"});
  named("DELETE FROM messages", {"r: messages 1 to 3: missing"});
  named("UPDATE rooms SET first = 3", {row, "r: messages 1 to 2: not one of those that the room says it has"});
  named("UPDATE rooms SET last = 2", {row, "r: message 3: not one of those that the room says it has"});
  named("UPDATE rooms SET first = 7, last = 2", {row, "r: the first message that it says it has is none",
                                                 "r: messages 1 to 3: not one of those that the room says it has"});
  named("UPDATE messages SET body = x'00' WHERE sequence = 2", {"r: message 2: damaged"});
  named("UPDATE messages SET body = CAST('no body' AS BLOB), checksum = NULL WHERE sequence = 2",
        {"r: message 2: not a message"});
  named("UPDATE messages SET room = 7", {"r: messages 1 to 3: missing", "messages of a room that is not there: 7"});
}

}  // namespace
}  // namespace switchboard::rooms
