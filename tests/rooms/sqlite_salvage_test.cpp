// What is still read of a room when its database is damaged.

#include "sqlite_fixture.hpp"

#include <filesystem>
#include <fstream>
#include <future>
#include <initializer_list>
#include <string>

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <switchboard/rooms/sqlite_salvage.hpp>
#include <switchboard/rooms/sqlite_store.hpp>

namespace switchboard::rooms {
namespace {

namespace files = std::filesystem;

/// A room "r" with the messages a, b, c, d, e.
class SqliteSalvage : public testing::Test {
protected:
  SqliteSalvage() {
    auto name = (files::temp_directory_path() / "switchboard-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
    const auto body_alone = [](const std::string&, std::uint64_t, const std::string& body) {
      return wire::shared_bytes{body};
    };
    auto store = sqlite_store::open(body_alone, {.directory = directory_});
    std::promise<void> stored;
    (*store)->open("r")->append({{"a", ""}, {"b", ""}, {"c", ""}, {"d", ""}, {"e", ""}},
                                [&](const auto&) { stored.set_value(); });
    stored.get_future().wait();
  }
  ~SqliteSalvage() override { files::remove_all(directory_); }

  /// What damages the database.
  void run_sql(const std::string& statements) {
    sqlite3* other = nullptr;
    ASSERT_EQ(sqlite3_open((directory_ / "rooms.db").c_str(), &other), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(other, statements.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(other);
    sqlite3_close(other);
  }
  /// Makes the index of the messages have these of its five entries, in this order (sqlite.org/fileformat2.html, 1.6).
  void reindex(std::initializer_list<int> entries) {
    constexpr int page_bytes = 4096, count_at = 3, places_at = 8, place_bytes = 2;
    std::fstream file(directory_ / "rooms.db", std::ios::in | std::ios::out | std::ios::binary);
    const auto page = (index_page() - 1) * page_bytes;
    std::string places(std::size_t{5} * place_bytes, '\0');
    file.seekg(page + places_at).read(places.data(), static_cast<std::streamsize>(places.size()));
    file.seekp(page + count_at).put(0).put(static_cast<char>(entries.size()));
    file.seekp(page + places_at);
    for (const auto each : entries) file.write(places.data() + each * place_bytes, place_bytes);
  }
  int index_page() const {
    another_program other{directory_ / "rooms.db"};
    return other.ask("SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_messages_1'");
  }
  /// Everything that is read, in its order: "1a" a message, "2-3" a hole.
  std::string salvaged() const {
    auto room = sqlite_salvage::open(directory_, "r");
    if (!room) return room.status().message;
    std::string all;
    room->read(
        [&](std::uint64_t sequence, std::string_view body) {
          if (body == "no body") return false;
          all += std::to_string(sequence) + std::string(body) + ' ';
          return true;
        },
        [&](std::uint64_t from, std::uint64_t to) { all += std::to_string(from) + '-' + std::to_string(to) + ' '; });
    return all;
  }

  files::path directory_;
};

TEST_F(SqliteSalvage, FindsEveryMessageOfAWholeRoom) {
  EXPECT_EQ(salvaged(), "1a 2b 3c 4d 5e ");
}

TEST_F(SqliteSalvage, FindsWhatIsOnBothSidesOfAHole) {
  run_sql("DELETE FROM messages WHERE sequence IN (2, 3)");
  EXPECT_EQ(salvaged(), "1a 4d 2-3 5e ");
}

TEST_F(SqliteSalvage, NamesHolesAtBothEnds) {
  run_sql("DELETE FROM messages WHERE sequence IN (1, 5)");
  EXPECT_EQ(salvaged(), "2b 1-1 3c 4d 5-5 ");
}

TEST_F(SqliteSalvage, NamesARoomThatHasLostEverything) {
  run_sql("DELETE FROM messages");
  EXPECT_EQ(salvaged(), "1-5 ");
}

TEST_F(SqliteSalvage, FindsMessagesBehindTheEndThatTheRoomHas) {
  run_sql("UPDATE rooms SET last = 2");
  EXPECT_EQ(salvaged(), "1a 2b 3c 4d 5e ");
}

TEST_F(SqliteSalvage, FindsMessagesBeforeTheBeginningThatTheRoomHas) {
  for (const auto* first : {"0", "3", "6", "9"}) {
    run_sql(std::string("UPDATE rooms SET first = ") + first);
    EXPECT_EQ(salvaged(), "1a 2b 3c 4d 5e ");
  }
}

TEST_F(SqliteSalvage, SaysWhereARoomNoLongerKnowsItsEnds) {
  EXPECT_TRUE(sqlite_salvage::open(directory_, "r")->knows_its_ends());
  run_sql("UPDATE rooms SET last = 4000000000000000000");
  EXPECT_FALSE(sqlite_salvage::open(directory_, "r")->knows_its_ends());
  EXPECT_EQ(salvaged(), "1a 2b 3c 4d 5e ");
}

TEST_F(SqliteSalvage, LosesWhatIsNotAsItWasWritten) {
  run_sql("UPDATE messages SET body = CAST('x' AS BLOB) WHERE sequence = 3");
  EXPECT_EQ(salvaged(), "1a 2b 4d 3-3 5e ");
}

TEST_F(SqliteSalvage, FindsMessagesWithoutChecksums) {
  run_sql(
      "ALTER TABLE rooms DROP COLUMN checksum; ALTER TABLE messages DROP COLUMN checksum; DROP TABLE clock; PRAGMA "
      "user_version = 1");
  EXPECT_EQ(salvaged(), "1a 2b 3c 4d 5e ");
}

TEST_F(SqliteSalvage, DoesNotSeekThroughAHoleSequenceBySequence) {
  run_sql("UPDATE messages SET sequence = 4000000000000000000, checksum = NULL WHERE sequence = 5");
  EXPECT_EQ(salvaged(), "1a 2b 3c 4d 4000000000000000000e 5-3999999999999999999 ");
}

TEST_F(SqliteSalvage, LosesWhatIsNoMessageTogetherWithItsNeighbours) {
  run_sql(
      "UPDATE messages SET body = CAST('no body' AS BLOB), checksum = NULL WHERE sequence = 2; DELETE FROM messages "
      "WHERE sequence = 3");
  EXPECT_EQ(salvaged(), "1a 4d 2-3 5e ");
}

TEST_F(SqliteSalvage, MissesNoMessageThatRetentionDropped) {
  run_sql("DELETE FROM messages WHERE sequence < 3; UPDATE rooms SET first = 3, checksum = NULL");
  EXPECT_EQ(salvaged(), "3c 4d 5e ");
}

TEST_F(SqliteSalvage, NamesMessagesThatTheIndexHasLost) {
  reindex({0, 1, 3});
  EXPECT_EQ(salvaged(), "1a 2b 4d 3-3 5-5 ");
}

TEST_F(SqliteSalvage, FindsAMessageOnceThatTheIndexHasTwice) {
  reindex({0, 1, 2, 2, 3, 4});
  EXPECT_EQ(salvaged(), "1a 2b 3c 4d 5e ");
}

TEST_F(SqliteSalvage, SaysThatTablesAreLost) {
  run_sql("DROP TABLE messages");
  EXPECT_NE(salvaged().find("no such table: messages"), std::string::npos) << salvaged();
}

TEST_F(SqliteSalvage, SaysThatThereIsNoSuchRoom) {
  const auto room = sqlite_salvage::open(directory_, "hall");
  ASSERT_FALSE(room);
  EXPECT_EQ(room.status().code, rpc::code::not_found);
}

TEST_F(SqliteSalvage, RefusesADirectoryThatIsInUse) {
  const auto first = sqlite_salvage::open(directory_, "r");
  EXPECT_TRUE(first);
  EXPECT_FALSE(sqlite_salvage::open(directory_, "r"));
}

}  // namespace
}  // namespace switchboard::rooms
