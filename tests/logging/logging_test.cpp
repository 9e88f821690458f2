#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <google/protobuf/stubs/logging.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <switchboard/chat/v1/chat.pb.h>
#include <switchboard/logging/logging.hpp>

namespace logging = switchboard::logging;
using namespace std::chrono_literals;

namespace {

/// Standard error as a pipe for as long as this lives.
class captured_standard_error {
public:
  captured_standard_error() : before_(::dup(STDERR_FILENO)) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    read_end_ = ends[0];
    ::dup2(ends[1], STDERR_FILENO);
    ::close(ends[1]);
  }
  ~captured_standard_error() {
    restore();
    ::close(read_end_);
  }

  /// Holds all that a test writes, for tests that read only afterwards.
  void grow() const { EXPECT_GE(::fcntl(read_end_, F_SETPIPE_SZ, 1024 * 1024), 1024 * 1024); }
  void restore() {
    if (before_ < 0) return;
    ::dup2(before_, STDERR_FILENO);
    ::close(before_);
    before_ = -1;
  }
  /// Everything written until now and, unless restore()d, until `end` is among it.
  std::string read(std::string_view end = {}) {
    std::string all;
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (std::chrono::steady_clock::now() < deadline) {
      if (!end.empty() && all.find(end) != std::string::npos) break;
      pollfd watched{read_end_, POLLIN, 0};
      if (::poll(&watched, 1, 100) <= 0) continue;
      char chunk[4096];
      const auto got = ::read(read_end_, chunk, sizeof chunk);
      if (got <= 0) break;
      all.append(chunk, static_cast<std::size_t>(got));
    }
    return all;
  }

private:
  int before_;
  int read_end_ = -1;
};

std::size_t count(const std::string& text, std::string_view wanted) {
  std::size_t found = 0;
  for (auto at = text.find(wanted); at != std::string::npos; at = text.find(wanted, at + 1)) ++found;
  return found;
}

/// What `act` logs at `up_to`.
template <class Act>
std::string logged(logging::level up_to, Act&& act) {
  captured_standard_error captured;
  captured.grow();
  logging::start(up_to);
  act();
  logging::stop();
  captured.restore();
  return captured.read();
}

TEST(Logging, WritesALineWithTimeAndLevel) {
  const auto lines = logged(logging::level::info, [] { logging::warn("{} of {}", 1, "two"); });
  EXPECT_NE(lines.find("Z warning: 1 of two\n"), std::string::npos) << lines;
  EXPECT_EQ(lines.find("20"), 0u) << lines;
}

TEST(Logging, WritesOnlyUpToItsLevel) {
  const auto lines = logged(logging::level::warn, [] {
    logging::error("an error");
    logging::warn("a warning");
    logging::info("an information");
    logging::debug("a detail");
  });
  EXPECT_EQ(count(lines, "\n"), 2u) << lines;
  EXPECT_FALSE(logging::enabled(logging::level::info));
}

TEST(Logging, WritesNothingWhenOff) {
  EXPECT_EQ(logged(logging::level::off, [] { logging::error("an error"); }), "");
}

TEST(Logging, StopWritesAllThatIsQueued) {
  const auto lines = logged(logging::level::info, [] {
    for (int each = 0; each < 1000; ++each) logging::info("line {}.", each);
  });
  EXPECT_EQ(count(lines, "\n"), 1000u);
  EXPECT_NE(lines.find("line 999."), std::string::npos);
}

TEST(Logging, WritesAtOnceWithoutItsThread) {
  captured_standard_error captured;
  logging::error("not started");
  EXPECT_NE(captured.read("\n").find("error: not started\n"), std::string::npos);
}

TEST(Logging, EscapesWhatCouldForgeALineOrDriveATerminal) {
  EXPECT_EQ(logging::escaped("a\nb\x1b[2J\x7f"), "a\\x0ab\\x1b[2J\\x7f");
  EXPECT_EQ(logging::escaped("\xc2\x9b"
                             "2J"),
            "\\xc2\\x9b2J");
}

TEST(Logging, LeavesUtf8AsItIsAndEscapesOtherBytes) {
  EXPECT_EQ(logging::escaped("Zoë 漢 😀"), "Zoë 漢 😀");
  EXPECT_EQ(logging::escaped("\xff\xc0\xaf\xed\xa0\x80"), "\\xff\\xc0\\xaf\\xed\\xa0\\x80");
  EXPECT_EQ(logging::escaped("\xe6\xbc"), "\\xe6\\xbc");
}

TEST(Logging, CutsALongLineBetweenCharacters) {
  const auto lines = logged(logging::level::info, [] {
    std::string text;
    while (text.size() < 2 * logging::line_bytes_max) text += "漢";
    logging::info("{}", text);
  });
  EXPECT_LE(lines.size(), 4096u);
  EXPECT_EQ(lines.substr(lines.size() - 7), "漢...\n") << lines.substr(lines.size() - 7);
}

TEST(Logging, NeverBlocksOnAReaderWhoDoesNotReadAndTellsWhatItDropped) {
  const auto dropped_before = logging::dropped();
  captured_standard_error captured;
  logging::start(logging::level::info);
  const std::string text(1000, 'x');
  const auto lines = 3 * logging::queue_lines_max;
  const auto started = std::chrono::steady_clock::now();
  for (std::size_t each = 0; each < lines; ++each) logging::info("{}", text);
  EXPECT_LT(std::chrono::steady_clock::now() - started, 10s);
  EXPECT_GT(logging::dropped(), dropped_before);

  // All of it: a pipe that was full may give a line in two pieces.
  const std::string_view told = "log lines were dropped: the queue of 8192 was full";
  std::string read;
  std::thread reader([&] { read = captured.read(told); });
  reader.join();
  EXPECT_NE(read.find(told), std::string::npos);
  logging::stop();
}

TEST(Logging, StopGivesUpOnAReaderWhoDoesNotRead) {
  const auto dropped_before = logging::dropped();
  captured_standard_error captured;
  logging::start(logging::level::info);
  const std::string text(1000, 'x');
  for (int each = 0; each < 1000; ++each) logging::info("{}", text);
  const auto started = std::chrono::steady_clock::now();
  logging::stop();
  EXPECT_LT(std::chrono::steady_clock::now() - started, 5 * logging::stop_patience);
  EXPECT_GT(logging::dropped(), dropped_before);
}

TEST(Logging, TakesLinesFromManyThreadsWhole) {
  const auto lines = logged(logging::level::info, [] {
    std::vector<std::thread> writers;
    for (int writer = 0; writer < 4; ++writer)
      writers.emplace_back([writer] {
        for (int each = 0; each < 500; ++each) logging::info("<{}:{}>", writer, each);
      });
    for (auto& each : writers) each.join();
  });
  EXPECT_EQ(count(lines, "\n"), 2000u);
  EXPECT_EQ(count(lines, "info: <"), 2000u);
  EXPECT_EQ(count(lines, ">\n"), 2000u);
}

TEST(Logging, ThrottlesAndCountsProtobufsOwnLines) {
  const auto lines = logged(logging::level::info, [] {
    switchboard::chat::v1::PublishRequest request;
    for (int each = 0; each < 100; ++each) EXPECT_FALSE(request.ParseFromString("\x12\x01\xff"));
  });
  EXPECT_EQ(count(lines, "protobuf: "), 1u) << lines;
  EXPECT_EQ(count(lines, "99 more of protobuf's own lines were not written"), 1u) << lines;
}

TEST(LoggingThrottle, AdmitsItsBurstAndThenOneEachInterval) {
  logging::throttle lines("lines", 3, 100ms);
  const auto start = std::chrono::steady_clock::now();
  int admitted = 0;
  for (int each = 0; each < 10; ++each) admitted += lines.admit(start);
  EXPECT_EQ(admitted, 3);
  EXPECT_FALSE(lines.admit(start + 99ms));
  EXPECT_TRUE(lines.admit(start + 100ms));
  EXPECT_FALSE(lines.admit(start + 100ms));
  EXPECT_EQ(lines.held_back(), 9u);
}

TEST(LoggingThrottle, SavesUpNoMoreThanItsBurst) {
  logging::throttle lines("lines", 2, 100ms);
  const auto later = std::chrono::steady_clock::now() + 1h;
  int admitted = 0;
  for (int each = 0; each < 10; ++each) admitted += lines.admit(later);
  EXPECT_EQ(admitted, 2);
}

TEST(LoggingThrottle, TellsOnceHowManyWereHeldBack) {
  logging::throttle lines("bad frames", 1, 1h);
  const auto now = std::chrono::steady_clock::now();
  for (int each = 0; each < 5; ++each) lines.admit(now);
  EXPECT_EQ(lines.take_report(), "4 more of bad frames were not written");
  EXPECT_EQ(lines.take_report(), "");
}

TEST(LoggingThrottle, ReportsWithTheNextLineThatGetsThrough) {
  const auto lines = logged(logging::level::info, [] {
    logging::throttle bad_frames("bad frames", 1, 10ms);
    const auto then = std::chrono::steady_clock::now() - 1s;
    for (int each = 0; each < 5; ++each) bad_frames.admit(then);
    bad_frames.warn("a bad frame");
  });
  EXPECT_EQ(count(lines, "warning: a bad frame\n"), 1u) << lines;
  EXPECT_EQ(count(lines, "warning: 4 more of bad frames were not written\n"), 1u) << lines;
}

}  // namespace
