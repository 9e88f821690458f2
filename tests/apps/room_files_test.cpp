// What `chat-broker check`, `export` and `import` do with the rooms in a directory.

#include "shell.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace switchboard {
namespace {

namespace files = std::filesystem;

class RoomFiles : public testing::Test {
protected:
  RoomFiles() {
    auto name = (files::temp_directory_path() / "switchboard-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
    files::create_directory(directory_ / "data");
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
  /// What the program says, in both ways, to these arguments and this standard input.
  outcome run(const std::string& arguments, const std::string& input = {}) const {
    const auto file = directory_ / "input";
    std::ofstream(file, std::ios::binary) << input;
    return run_shell(CHAT_BROKER " " + arguments + data() + " 2>&1 <" + file.string());
  }

  files::path directory_;
};

TEST_F(RoomFiles, HoldWhatWasImportedInItsOrder) {
  EXPECT_EQ(run("import lobby", lines(1, 2'500)).output, "2500 messages, 0 of them were there already\n");
  EXPECT_EQ(run("check").output, "lobby: 1 to 2500\n");
  const auto exported = run("export lobby");
  EXPECT_EQ(exported.status, 0);
  ASSERT_EQ(exported.lines().size(), 2'500u);
  EXPECT_NE(exported.lines().back().find(R"("sequence":"2500","sender":"ann","text":"line 2500")"), std::string::npos)
      << exported.lines().back();
}

TEST_F(RoomFiles, AreTheSameInACopy) {
  run("import lobby", lines(1, 2'500));
  for (const std::string format : {" --format json", " --format delimited"}) {
    const auto to = directory_ / "copy";
    files::create_directory(to);
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
            "chat-broker: room lobby has another message 5: --append puts messages behind those it has\n");
  EXPECT_EQ(run("check").output, "lobby: 1 to 5\n");
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

TEST_F(RoomFiles, AreNotMadeForWhatIsNoMessage) {
  const auto refused = run("import lobby", "nonsense\n");
  EXPECT_EQ(refused.status, 1);
  EXPECT_EQ(refused.output.find("chat-broker: message 1: "), 0u) << refused.output;
  EXPECT_EQ(run("check").output, "");
}

TEST_F(RoomFiles, AreNotFoundUnderAnotherName) {
  run("import lobby", lines(1, 1));
  EXPECT_EQ(run("export hall").status, 1);
}

}  // namespace
}  // namespace switchboard
