#include "chat_expectations.hpp"
#include "shell.hpp"

#include <array>
#include <cstdio>
#include <sstream>
#include <utility>

#include <chat_service.hpp>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <switchboard/chat/v1/chat.pb.h>
#include <switchboard/rooms/memory_log.hpp>
#include <switchboard/testkit/live_server.hpp>

namespace switchboard::chat_client {
namespace {

using client::within;
using std::chrono::seconds;

constexpr auto patience = seconds(20);
using words = std::vector<std::string>;

/// chat-client as scripts and people run it, against a broker in this process.
class ChatClientProgram : public testing::Test {
protected:
  ChatClientProgram() {
    server_.add(
        chat::definition(std::make_shared<rooms::memory_store>(chat::entry_encoder(), rooms::memory_limits{}), {}));
    address_ = server_.endpoint().to_string();
  }

  /// A command line of the program with the broker's address.
  std::string client(const std::string& arguments) const {
    return std::string(CHAT_CLIENT) + ' ' + address_ + ' ' + arguments;
  }

  words log_of(const std::string& room) {
    auto reader = server_.connect();
    chat::v1::HistoryRequest request;
    request.set_room(room);
    chat::v1::HistoryReply reply;
    EXPECT_TRUE(testkit::is_ok(reader.call("switchboard.chat.v1.Chat/History", request, reply, within(patience))));
    words log;
    for (const auto& message : reply.messages()) log.push_back(message.sender() + ": " + message.text());
    return log;
  }

  testkit::live_server server_;
  std::string address_;
};

TEST_F(ChatClientProgram, SendsInOrderAndSaysSoByItsStatus) {
  const auto sent = run_shell(client("--room r --nick ann --send one --send 'two words' --send three"));
  EXPECT_EQ(sent.status, 0);
  EXPECT_EQ(sent.output, "");
  EXPECT_EQ(log_of("r"), (words{"ann: one", "ann: two words", "ann: three"}));
}

TEST_F(ChatClientProgram, SendsEachLineOfAPipe) {
  EXPECT_EQ(run_shell("printf 'one\\ntwo\\r\\n\\nlast' | " + client("--room r --nick ann")).status, 0);
  EXPECT_EQ(log_of("r"), (words{"ann: one", "ann: two", "ann: ", "ann: last"}));
}

TEST_F(ChatClientProgram, SendsEachLineOfAFile) {
  const auto path = testing::TempDir() + "chat_client_lines_" + std::to_string(getpid());
  EXPECT_EQ(run_shell("seq 1 200 > " + path + " && " + client("--room r --nick ann") + " < " + path).status, 0);
  EXPECT_EQ(log_of("r").size(), 100u);  // a page
  unlink(path.c_str());
}

TEST_F(ChatClientProgram, GoesOnBehindALineItCannotSend) {
  const auto sent = run_shell("printf 'bad \\377\\ngood' | " + client("--room r --nick ann 2>&1"));
  EXPECT_EQ(sent.status, 1);
  EXPECT_EQ(sent.lines(), words{"chat-client: a message is text in UTF-8"});
  EXPECT_EQ(log_of("r"), words{"ann: good"});
}

TEST_F(ChatClientProgram, WatchesUntilItHasSeenEnough) {
  ASSERT_EQ(run_shell(client("--room r --nick ann --send one --send two --send three")).status, 0);
  const auto watched = run_shell(client("--room r --watch --history 3 --count 2 --timeout 20"));
  EXPECT_EQ(watched.status, 0);
  EXPECT_NE(watched.output.find(" ann: one\n"), std::string::npos) << watched.output;
  EXPECT_TRUE(watched.output.ends_with(" ann: two\n")) << watched.output;
}

TEST_F(ChatClientProgram, WritesAnEventALineAsJson) {
  ASSERT_EQ(run_shell(client("--room r --nick ann --send 'a \"quoted\" text' --send two")).status, 0);
  const auto watched = run_shell(client("--room r --watch --json --history 1 --timeout 20 --count 1"));
  words events;
  for (const auto& line : watched.lines()) {
    chat::v1::RoomEvent event;
    ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(line, &event).ok()) << line;
    events.push_back(chat::brief(event));
  }
  EXPECT_EQ(events, (words{"joined ann", "gap 1-1 HISTORY_LIMIT", "2 ann: two"}));
}

TEST_F(ChatClientProgram, SeesWhatItSends) {
  const auto both = run_shell(client("--room r --nick ann --send one --watch --count 1 --timeout 20"));
  EXPECT_EQ(both.status, 0);
  EXPECT_NE(both.output.find(" ann: one\n"), std::string::npos) << both.output;
}

TEST_F(ChatClientProgram, FailsWhenTheTimeIsOver) {
  const auto watched = run_shell(client("--room r --watch --count 1 --timeout 0.1 2>&1 >/dev/null"));
  EXPECT_EQ(watched.status, 1);
  EXPECT_EQ(watched.lines(), words{"chat-client: timed out: 0 of 1 messages seen"});
}

TEST_F(ChatClientProgram, WatchesForATimeAndIsContent) {
  EXPECT_EQ(run_shell(client("--room r --watch --timeout 0.1")).status, 0);
}

TEST_F(ChatClientProgram, SaysInOneLineWhyItMayNotJoin) {
  auto holder = server_.connect();
  chat::v1::JoinRequest request;
  request.set_room("r");
  request.set_nickname("ann");
  auto held =
      holder.open({"switchboard.chat.v1.Chat/Join", rpc::method_kind::server_streaming}, request, {.credit = 10});
  ASSERT_EQ(chat::take_events(held, 1, within(patience)), words{"caught up 0"});
  const auto refused = run_shell(client("--room r --nick ann --send one 2>&1"));
  EXPECT_EQ(refused.status, 1);
  ASSERT_EQ(refused.lines().size(), 1u);
  EXPECT_TRUE(refused.output.starts_with("chat-client: cannot join r: ALREADY_EXISTS")) << refused.output;
}

TEST_F(ChatClientProgram, SaysInOneLineThatNobodyAnswers) {
  server_.stop();
  const auto refused = run_shell(client("--send one 2>&1"));
  EXPECT_EQ(refused.status, 1);
  EXPECT_EQ(refused.lines(), words{"chat-client: cannot connect to " + address_ + ": Connection refused"});
}

TEST_F(ChatClientProgram, SaysInOneLineHowItWasMisused) {
  for (const std::string arguments :
       {"--bogus", "--room 'a b' --send x", "--nick '' --send x", "--count 3", "--timeout -1", "--history many"}) {
    const auto misused = run_shell(client(arguments + " 2>&1"));
    EXPECT_EQ(misused.status, 2) << arguments;
    EXPECT_EQ(misused.lines().size(), 1u) << misused.output;
  }
}

TEST_F(ChatClientProgram, ExplainsItself) {
  const auto help = run_shell(std::string(CHAT_CLIENT) + " --help");
  EXPECT_EQ(help.status, 0);
  for (const auto option : {"ADDRESS", "--room", "--nick", "--send", "--watch", "--json", "--count", "--timeout"})
    EXPECT_NE(help.output.find(option), std::string::npos) << option;
}

/// A person at a terminal of 60 columns.
class person {
public:
  explicit person(const std::vector<std::string>& command) {
    winsize size{.ws_row = 24, .ws_col = 60};
    std::vector<char*> arguments;
    for (const auto& each : command) arguments.push_back(const_cast<char*>(each.c_str()));
    arguments.push_back(nullptr);
    process_ = forkpty(&terminal_, nullptr, nullptr, &size);
    if (process_ == 0) {
      execv(arguments[0], arguments.data());
      _exit(127);
    }
  }
  ~person() {
    if (process_ > 0) {
      kill(process_, SIGKILL);
      waitpid(process_, nullptr, 0);
    }
    close(terminal_);
  }

  void type(std::string_view keys) {
    ASSERT_EQ(write(terminal_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  }
  /// Whether `text` appears after everything seen before.
  testing::AssertionResult sees(std::string_view text) {
    for (const auto until = within(patience); client::clock::now() < until;) {
      if (const auto at = screen_.find(text, seen_); at != std::string::npos) {
        seen_ = at + text.size();
        return testing::AssertionSuccess();
      }
      if (!read_some()) break;
    }
    return testing::AssertionFailure() << "no " << testing::PrintToString(text) << " in "
                                       << testing::PrintToString(screen_.substr(seen_));
  }
  int leaves() {
    while (read_some()) {
    }
    int status = -1;
    waitpid(std::exchange(process_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

private:
  bool read_some() {
    pollfd ready{terminal_, POLLIN, 0};
    if (poll(&ready, 1, static_cast<int>(std::chrono::milliseconds(patience).count())) <= 0) return false;
    std::array<char, 4096> chunk;
    const auto size = read(terminal_, chunk.data(), chunk.size());
    if (size <= 0) return false;
    screen_.append(chunk.data(), static_cast<std::size_t>(size));
    return true;
  }

  int terminal_ = -1;
  pid_t process_ = -1;
  std::string screen_;
  std::size_t seen_ = 0;
};

class ChatClientTerminal : public ChatClientProgram {
protected:
  person ann_{{"/usr/bin/env", "TERM=xterm", "NO_COLOR=1", CHAT_CLIENT, address_, "--room", "r", "--nick", "ann"}};
};

TEST_F(ChatClientTerminal, SendsWhatIsTyped) {
  ASSERT_TRUE(ann_.sees("ann@r> "));
  ann_.type("caf\u00e9\r");
  EXPECT_TRUE(ann_.sees(" ann: caf\u00e9\r\n"));
  EXPECT_EQ(log_of("r"), words{"ann: caf\u00e9"});
}

TEST_F(ChatClientTerminal, KeepsTheLineBeingTypedBelowWhatComesIn) {
  ASSERT_TRUE(ann_.sees("live from here"));
  ann_.type("half a sen");
  ASSERT_TRUE(ann_.sees("half a sen"));
  ASSERT_EQ(run_shell(client("--room r --nick bob --send hello")).status, 0);
  EXPECT_TRUE(ann_.sees(" bob: hello\r\nann@r> half a sen"));
  ann_.type("tence\r");
  EXPECT_TRUE(ann_.sees(" ann: half a sentence\r\n"));
}

TEST_F(ChatClientTerminal, ShowsNoEscapeSequencesOfOthers) {
  ASSERT_TRUE(ann_.sees("live from here"));
  ASSERT_EQ(run_shell(client("--room r --nick bob --send \"$(printf 'red\\033[31malert')\"")).status, 0);
  EXPECT_TRUE(ann_.sees(" bob: red[31malert\r\n"));
}

TEST_F(ChatClientTerminal, ObeysItsCommands) {
  ASSERT_TRUE(ann_.sees("live from here"));
  ann_.type("/members\r");
  EXPECT_TRUE(ann_.sees("1 here: ann"));
  ann_.type("one\r");
  EXPECT_TRUE(ann_.sees(" ann: one"));
  ann_.type("/history\r");
  EXPECT_TRUE(ann_.sees("1 of 1 messages"));
  ann_.type("/help\r");
  EXPECT_TRUE(ann_.sees("/join ROOM"));
  ann_.type("/dance\r");
  EXPECT_TRUE(ann_.sees("no such command: /dance"));
  ann_.type("//slashed\r");
  EXPECT_TRUE(ann_.sees(" ann: /slashed"));
  ann_.type("/join den\r");
  EXPECT_TRUE(ann_.sees("ann@den> "));
  ann_.type("/nick anna\r");
  EXPECT_TRUE(ann_.sees("anna@den> "));
  ann_.type("/quit\r");
  EXPECT_EQ(ann_.leaves(), 0);
}

TEST_F(ChatClientTerminal, LeavesAtTheEndOfInput) {
  ASSERT_TRUE(ann_.sees("live from here"));
  ann_.type("\x04");
  EXPECT_EQ(ann_.leaves(), 0);
}

}  // namespace
}  // namespace switchboard::chat_client
