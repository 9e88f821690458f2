// What `chat-broker check`, `export`, `import` and `delete` do with the rooms in a directory.

#include "shell.hpp"

#include <filesystem>
#include <fstream>
#include <future>

#include <chat_codec.hpp>
#include <chat_service.hpp>
#include <google/protobuf/util/delimited_message_util.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <switchboard/chat/v1/chat.pb.h>
#include <switchboard/rooms/sqlite_store.hpp>

namespace switchboard {
namespace {

namespace files = std::filesystem;

class RoomFiles : public testing::Test {
protected:
  RoomFiles() {
    auto name = (files::temp_directory_path() / "switchboard-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
    files::create_directory(directory_ / "data");
    // As a broker makes it: whose is looser is warned of.
    files::permissions(directory_ / "data", files::perms::owner_all);
  }
  ~RoomFiles() override { files::remove_all(directory_); }

  std::string data() const { return " --data " + (directory_ / "data").string(); }
  /// Messages of these numbers as lines of JSON: every third without an id.
  static std::string lines(int first, int last) {
    std::string all;
    for (int n = first; n <= last; ++n) {
      const auto number = std::to_string(n);
      all += R"({"sender":"ann","text":"line )" + number + '"';
      if (n % 3 != 0) all += R"(,"clientMessageId":"id)" + number + '"';
      all += "}\n";
    }
    return all;
  }
  /// What the program writes, to both streams, with these arguments and this standard input.
  outcome run(const std::string& arguments, const std::string& input = {}) const {
    const auto file = directory_ / "input";
    std::ofstream(file, std::ios::binary) << input;
    return run_shell(CHAT_BROKER " " + arguments + data() + " 2>&1 <" + file.string());
  }

  files::path database() const { return directory_ / "data" / "rooms.db"; }
  std::string content_of_database() const {
    std::ifstream file(database(), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }

  static std::string delimited(const chat::v1::ChatMessage& message) {
    std::ostringstream bytes;
    google::protobuf::util::SerializeDelimitedToOstream(message, &bytes);
    return bytes.str();
  }
  /// What damages the database.
  void run_sql(const std::string& statements) const {
    sqlite3* other = nullptr;
    ASSERT_EQ(sqlite3_open(database().c_str(), &other), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(other, statements.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(other);
    sqlite3_close(other);
  }

  outcome import_delimited(const chat::v1::ChatMessage& message) const {
    return run("import lobby --format delimited", delimited(message));
  }

  files::path directory_;
};

chat::v1::ChatMessage small_message() {
  chat::v1::ChatMessage message;
  message.set_sender("ann");
  message.set_text("hello");
  return message;
}

TEST_F(RoomFiles, HoldWhatWasImportedInItsOrder) {
  EXPECT_EQ(run("import lobby", lines(1, 2'500)).output, "2500 messages, 0 of them were there already\n");
  EXPECT_EQ(run("check").output, "lobby: 1 to 2500\n");
  const auto exported = run("export lobby");
  EXPECT_EQ(exported.status, 0);
  ASSERT_EQ(exported.lines().size(), 2'500u);
  EXPECT_NE(exported.lines().back().find(R"("sequence":"2500","sender":"ann","text":"line 2500")"), std::string::npos)
      << exported.lines().back();
}

TEST_F(RoomFiles, AreGoneWhenTheirRoomIsDeleted) {
  run("import lobby", lines(1, 10));
  run("import hall", lines(1, 20));
  const auto deleted = run("delete lobby");
  EXPECT_EQ(deleted.status, 0);
  EXPECT_EQ(deleted.output, "");
  EXPECT_EQ(run("check").output, "hall: 1 to 20\n");
  const auto again = run("delete lobby");
  EXPECT_EQ(again.status, 1);
  EXPECT_NE(again.output.find("there is no room lobby"), std::string::npos) << again.output;
}

TEST_F(RoomFiles, AreNotDeletedWhileABrokerHasThem) {
  run("import lobby", lines(1, 10));
  {
    const auto broker = rooms::sqlite_store::open(chat::entry_encoder(), {.directory = directory_ / "data"});
    ASSERT_TRUE(broker);
    const auto refused = run("delete lobby");
    EXPECT_EQ(refused.status, 1);
    EXPECT_NE(refused.output.find("is in use by another broker"), std::string::npos) << refused.output;
  }
  EXPECT_EQ(run("check").output, "lobby: 1 to 10\n");
}

TEST_F(RoomFiles, AreTheSameInACopy) {
  run("import lobby", lines(1, 2'500));
  for (const std::string format : {" --format json", " --format delimited"}) {
    const auto to = directory_ / "copy";
    EXPECT_EQ(run_shell(CHAT_BROKER " export lobby" + format + data() + " | " CHAT_BROKER " import lobby" + format +
                        " --data " + to.string())
                  .output,
              "2500 messages, 0 of them were there already\n");
    EXPECT_EQ(run_shell(CHAT_BROKER " export lobby --data " + to.string()).output, run("export lobby").output);
    files::remove_all(to);
  }
}

TEST_F(RoomFiles, GoOnWhereAnImportWasInterrupted) {
  run("import lobby", lines(1, 13'000));
  EXPECT_EQ(run("import lobby", lines(1, 15'000)).output, "15000 messages, 13000 of them were there already\n");
  EXPECT_EQ(run("check").output, "lobby: 1 to 15000\n");
}

TEST_F(RoomFiles, RefuseAnImportIntoARoomWithOtherMessages) {
  run("import lobby", lines(1, 5));
  const auto refused = run("import lobby", lines(1, 4) + lines(6, 9));
  EXPECT_EQ(refused.status, 1);
  EXPECT_EQ(refused.output,
            "chat-broker: room lobby has another message 5: --append puts messages after those it has; 0 messages were "
            "taken before\n");
  EXPECT_EQ(run("check").output, "lobby: 1 to 5\n");
}

TEST_F(RoomFiles, RefuseAnImportIntoARoomThatDroppedItsFirstMessages) {
  run("import lobby", lines(1, 5));
  {
    // As a broker does that keeps no more than the newest message.
    const auto store =
        rooms::sqlite_store::open(chat::entry_encoder(), {.directory = directory_ / "data", .keep = {.messages = 1}});
    ASSERT_TRUE(store);
    std::promise<void> stored;
    (*store)->find("lobby")->append({{chat::chat_codec{}.body("bob", ""), ""}},
                                    [&](const auto&) { stored.set_value(); });
    stored.get_future().wait();
  }
  const auto refused = run("import lobby", lines(1, 9));
  EXPECT_EQ(refused.status, 1);
  EXPECT_NE(refused.output.find("no longer has its first message"), std::string::npos) << refused.output;
  EXPECT_EQ(run("check").output, "lobby: 6 to 6\n");
}

TEST_F(RoomFiles, TakeAnImportBehindOtherMessagesWhereAsked) {
  run("import lobby", lines(1, 5));
  EXPECT_EQ(run("import lobby --append", lines(6, 9)).output, "4 messages, 0 of them were there already\n");
  EXPECT_EQ(run("import lobby", lines(1, 9)).output, "9 messages, 9 of them were there already\n");
}

TEST_F(RoomFiles, TakeNoMessageBehindOthersWhoseIdTheyKnow) {
  run("import lobby", lines(1, 2));
  EXPECT_EQ(run("import lobby --append", lines(2, 4)).output, "3 messages, 1 of them were there already\n");
}

TEST_F(RoomFiles, ForgetNoIdInAnImport) {
  // Two thirds of these have one: more than a broker knows by default.
  run("import lobby", lines(1, 16'000));
  run("import lobby --append", lines(16'001, 16'001));
  EXPECT_EQ(run("import lobby --append", lines(1, 1)).output, "1 messages, 1 of them were there already\n");
}

TEST_F(RoomFiles, HoldEveryMessageOfAnInputThatRepeatsAnId) {
  const auto twice = lines(1, 2) + lines(1, 1);
  EXPECT_EQ(run("import lobby", twice).output, "3 messages, 0 of them were there already\n");
  EXPECT_EQ(run("import lobby", twice).output, "3 messages, 3 of them were there already\n");
  EXPECT_EQ(run("check").output, "lobby: 1 to 3\n");
}

TEST_F(RoomFiles, TakeNoMessageThatABrokerWouldNotStore) {
  const auto refuses = [this](const chat::v1::ChatMessage& message, const std::string& why) {
    const auto refused = import_delimited(message);
    EXPECT_EQ(refused.status, 1) << why;
    EXPECT_EQ(refused.output, "chat-broker: at byte 0: " + why + "; 0 messages were taken before\n");
  };
  auto message = small_message();
  message.clear_sender();
  refuses(message, "a message without a sender");
  message.set_sender("a\nb");
  refuses(message, "a nickname has no control characters");
  message = small_message();
  message.set_text(std::string(65'537, 'x'));
  refuses(message, "a text of 65537 bytes is above the limit of 65536");
  message = small_message();
  message.set_client_message_id(std::string(65, 'x'));
  refuses(message, "a client_message_id of 65 bytes is above the limit of 64");
  message = small_message();
  message.mutable_sent_at()->set_seconds(1'000'000'000'000'000);
  refuses(message, "a sent_at outside of the years 1 to 9999");
  message = small_message();
  message.mutable_sent_at()->set_nanos(-1);
  refuses(message, "a sent_at outside of the years 1 to 9999");
}

TEST_F(RoomFiles, TakeEveryMessageThatABrokerWouldStore) {
  auto message = small_message();
  message.set_sender(std::string(64, 's'));
  message.set_text(std::string(65'536, '\1'));
  message.set_client_message_id(std::string(64, 'i'));
  message.mutable_sent_at()->set_seconds(253'402'300'799);
  message.mutable_sent_at()->set_nanos(999'999'999);
  EXPECT_EQ(import_delimited(message).output, "1 messages, 0 of them were there already\n");
  EXPECT_EQ(run("import lobby", run("export lobby").output).output, "1 messages, 1 of them were there already\n");
}

TEST_F(RoomFiles, DropFieldsThatNobodyKnows) {
  auto message = small_message();
  message.GetReflection()->MutableUnknownFields(&message)->AddLengthDelimited(100, std::string(60'000, 'x'));
  EXPECT_EQ(import_delimited(message).status, 0);
  EXPECT_LT(run("export lobby --format delimited").output.size(), 100u);
}

TEST_F(RoomFiles, ReadNoLineToAnEndThatItDoesNotHave) {
  const auto refused = run_shell("tr '\\0' x </dev/zero | " CHAT_BROKER " import lobby" + data() + " 2>&1");
  EXPECT_EQ(refused.status, 1);
  EXPECT_EQ(refused.output,
            "chat-broker: at byte 0: a line above the limit of 524288 bytes; 0 messages were taken before\n");
}

TEST_F(RoomFiles, MakeNoSpaceForAMessageThatOnlySaysHowLargeItIs) {
  const auto refused = run("import lobby --format delimited", "\xff\xff\xff\xff\x07");
  EXPECT_EQ(refused.output,
            "chat-broker: at byte 0: a message of 2147483647 bytes is above the limit of 131072; 0 messages were taken "
            "before\n");
}

TEST_F(RoomFiles, TakeNoMessageThatIsCutOff) {
  EXPECT_EQ(run("import lobby --format delimited", "\x05hel").status, 1);
  EXPECT_EQ(run("import lobby --format delimited", "\x80").status, 1);
}

TEST_F(RoomFiles, SayWhereAnImportMetWhatIsNoMessageAndHowMuchTheyTook) {
  const std::string size_without_end(10, '\xff');
  const auto whole = delimited(small_message());
  const auto place = std::to_string(3 * whole.size());
  int room = 0;
  for (const auto& [bad, why] :
       {std::pair{size_without_end, "what comes is not the size of a message"}, std::pair{std::string("\x80"), ""},
        std::pair{std::string("\x02zz"), "what comes is no message"}}) {
    const auto name = "room" + std::to_string(++room);
    const auto refused = run("import " + name + " --format delimited", whole + whole + whole + bad + whole + whole);
    EXPECT_EQ(refused.status, 1) << refused.output;
    EXPECT_EQ(refused.output.find("chat-broker: at byte " + place + ": " + why), 0u) << refused.output;
    EXPECT_NE(refused.output.find("; 3 messages were taken before\n"), std::string::npos) << refused.output;
    EXPECT_EQ(run("export " + name).lines().size(), 3u);
  }
}

TEST_F(RoomFiles, SayThatTheLastMessageOfAnImportIsCutOff) {
  const auto whole = delimited(small_message());
  for (std::size_t kept = 1; kept < whole.size(); ++kept) {
    const auto refused = run("import lobby --format delimited", whole + whole.substr(0, kept));
    EXPECT_EQ(refused.status, 1);
    EXPECT_EQ(refused.output, "chat-broker: at byte " + std::to_string(whole.size()) +
                                  ": a message is cut off; 1 messages were taken before\n");
  }
}

TEST_F(RoomFiles, SendNoEscapesOfAnImportToTheTerminal) {
  for (const std::string input : {"\033]0;title\007\n", "{\"\033[2J\":1}\n"}) {
    const auto refused = run("import lobby", input);
    EXPECT_EQ(refused.status, 1);
    EXPECT_EQ(refused.output.find('\033'), std::string::npos) << refused.output;
  }
}

TEST_F(RoomFiles, SendNoEscapesOfTheirNamesToTheTerminal) {
  const auto odd = " --data '" + (directory_ / "odd\033[2J").string() + "'";
  for (const auto* what : {"check", "export lobby", "import lobby"}) {
    const auto refused = run_shell(CHAT_BROKER " " + std::string(what) + odd + "/none 2>&1 </dev/null");
    EXPECT_NE(refused.status, 0) << what;
    EXPECT_EQ(refused.output.find('\033'), std::string::npos) << refused.output;
  }
}

TEST_F(RoomFiles, TakeTheLastLineWithoutItsEnd) {
  EXPECT_EQ(run("import lobby", R"({"sender":"ann"})").output, "1 messages, 0 of them were there already\n");
}

TEST_F(RoomFiles, AreNotMadeForWhatIsNoMessage) {
  const auto refused = run("import lobby", "nonsense\n");
  EXPECT_EQ(refused.status, 1);
  EXPECT_EQ(refused.output.find("chat-broker: at byte 0: "), 0u) << refused.output;
  EXPECT_EQ(run("check").output, "");
}

TEST_F(RoomFiles, AreExportedFromADamagedDatabaseAsFarAsTheyCanBeRead) {
  run("import lobby", lines(1, 2'500));
  constexpr std::size_t page = 4'096;
  const auto place = content_of_database().find("line 1200") / page * page;
  std::fstream(database(), std::ios::in | std::ios::out | std::ios::binary).seekp(static_cast<std::streamoff>(place))
      << std::string(page, 'x');
  EXPECT_EQ(run("check").status, 1);
  const auto damaged = content_of_database();

  const auto exported = run("export lobby");
  EXPECT_EQ(exported.status, 1);
  unsigned messages = 0;
  unsigned from = 0;
  unsigned to = 0;
  for (const auto& line : exported.lines())
    if (std::sscanf(line.c_str(), "chat-broker: messages %u to %u cannot be read", &from, &to) != 2) ++messages;
  EXPECT_LT(1u, from);
  EXPECT_LT(to, 2'500u);
  EXPECT_EQ(messages + (to + 1 - from), 2'500u) << from << " to " << to;
  EXPECT_EQ(content_of_database(), damaged);
}

TEST_F(RoomFiles, AreExportedWholeWhereARoomNoLongerKnowsItsEnds) {
  run("import lobby", lines(1, 20));
  run_sql("UPDATE rooms SET first = 21");
  const auto exported = run("export lobby");
  EXPECT_EQ(exported.status, 1) << "there may have been more";
  EXPECT_EQ(exported.lines().size(), 1u + 20u) << exported.output;
  EXPECT_EQ(exported.output.find("chat-broker: where the room's messages begin and end cannot be read"), 0u);
  EXPECT_EQ(run("import lobby --append", lines(21, 21)).status, 1) << "it is damaged";
  EXPECT_EQ(run("check").status, 1);
}

TEST_F(RoomFiles, NameTheMessageThatIsNotAsItWasWritten) {
  run("import lobby", lines(1, 3));
  run_sql("UPDATE messages SET at = 0 WHERE sequence = 2");
  const auto exported = run("export lobby");
  EXPECT_EQ(exported.status, 1);
  EXPECT_EQ(exported.lines().size(), 3u);
  EXPECT_NE(exported.output.find("chat-broker: message 2 cannot be read\n"), std::string::npos) << exported.output;
  EXPECT_EQ(run("check").output.find("lobby: message 2: damaged\n"), 0u) << run("check").output;
}

TEST_F(RoomFiles, SayHowManyMessagesWereStoredBeforeThereWereChecksums) {
  run("import lobby", lines(1, 3));
  run_sql(
      "ALTER TABLE rooms DROP COLUMN checksum; ALTER TABLE messages DROP COLUMN checksum; DROP TABLE clock; PRAGMA "
      "user_version = 1");
  EXPECT_EQ(run("export lobby").lines().size(), 3u);
  EXPECT_EQ(run("import lobby --append", lines(4, 5)).status, 0);
  EXPECT_EQ(run("check").output, "lobby: 1 to 5, 3 of them without a checksum\n");
}

TEST_F(RoomFiles, AreFoundDamagedWhereABodyIsNoMessage) {
  run("import lobby", lines(1, 3));
  run_sql("UPDATE messages SET body = x'ffff', checksum = NULL WHERE sequence = 2");
  const auto checked = run("check");
  EXPECT_EQ(checked.status, 1);
  EXPECT_EQ(checked.output.find("lobby: message 2: not a message\n"), 0u) << checked.output;
}

TEST_F(RoomFiles, AreRefusedInOneLineWhereATableIsMissing) {
  run("import lobby", lines(1, 3));
  run_sql("DROP TABLE ids");
  for (const std::string what : {"check", "export lobby", "import hall", "--listen 127.0.0.1:0"}) {
    const auto refused = run(what);
    EXPECT_EQ(refused.status, 1) << what;
    EXPECT_NE(refused.output.find("its tables are damaged: no such table: ids"), std::string::npos) << refused.output;
    EXPECT_LE(refused.lines().size(), 2u) << refused.output;
  }
}

TEST_F(RoomFiles, AreNotMadeByAnExport) {
  const auto refused = run("export lobby");
  EXPECT_EQ(refused.status, 1);
  EXPECT_NE(refused.output.find("rooms.db: unable to open database file"), std::string::npos) << refused.output;
  EXPECT_TRUE(files::is_empty(directory_ / "data"));
}

TEST_F(RoomFiles, AreNotFoundUnderAnotherName) {
  run("import lobby", lines(1, 1));
  const auto refused = run("export hall");
  EXPECT_EQ(refused.status, 1);
  EXPECT_NE(refused.output.find("there is no room hall"), std::string::npos) << refused.output;
}

}  // namespace
}  // namespace switchboard
