#include "printable.hpp"
#include "rendering.hpp"

#include <gtest/gtest.h>

namespace switchboard::chat_client {
namespace {

chat::v1::RoomEvent message(std::string sender, std::string text) {
  chat::v1::RoomEvent event;
  event.set_room("lobby");
  event.mutable_message()->set_sequence(7);
  event.mutable_message()->set_sender(std::move(sender));
  event.mutable_message()->set_text(std::move(text));
  return event;
}

/// Without the time it begins with, which depends on where the test runs.
std::string line_of(const chat::v1::RoomEvent& event, appearance how = {}) {
  const auto line = to_line(event, how, std::chrono::system_clock::now());
  return line.substr(line.find(' ') + 1);
}

TEST(Printable, KeepsText) {
  EXPECT_EQ(printable("caf\u00e9 \u20ac \U0001f600 a\u0301"), "caf\u00e9 \u20ac \U0001f600 a\u0301");
}

TEST(Printable, DropsEscapeSequencesFangs) {
  EXPECT_EQ(printable("\033]0;title\007\033[2Jboo"), "]0;title[2Jboo");
}

TEST(Printable, DropsEveryControlCharacter) {
  for (char32_t point = 0; point <= 0x9f; ++point) {
    if (point == '\n' || point == '\t' || (point >= 0x20 && point < 0x7f)) continue;
    std::string text = "a";
    if (point < 0x80) {
      text += static_cast<char>(point);
    } else {
      text += static_cast<char>(0xc2);
      text += static_cast<char>(point);
    }
    EXPECT_EQ(printable(text + "b"), "ab") << static_cast<unsigned>(point);
  }
}

TEST(Printable, KeepsOneLineOneLine) {
  EXPECT_EQ(printable("a\nb\tc\u2028d"), "a b cd");
}

TEST(Printable, DropsBidirectionalControls) {
  EXPECT_EQ(printable("\u202eevil\u2066x\u200f"), "evilx");
}

TEST(Printable, MarksBytesThatAreNotUtf8) {
  EXPECT_EQ(printable("a\xff"
                      "b"),
            "a\ufffdb");
}

TEST(Rendering, ShowsSenderAndText) {
  EXPECT_EQ(line_of(message("ann", "hello")), "ann: hello");
}

TEST(Rendering, NeverWritesWhatOthersSentRaw) {
  const auto line = to_line(message("a\033[31mnn", "x\033[2J\r\n"), {}, std::chrono::system_clock::now());
  EXPECT_EQ(line.find('\033'), std::string::npos);
  EXPECT_EQ(line.find('\r'), std::string::npos);
  EXPECT_EQ(line.find('\n'), std::string::npos);
}

TEST(Rendering, UsesColourOnlyWhereAsked) {
  EXPECT_EQ(line_of(message("ann", "hello")).find('\033'), std::string::npos);
  EXPECT_NE(line_of(message("ann", "hello"), {.colour = true}).find('\033'), std::string::npos);
}

TEST(Rendering, ShowsWhoComesAndGoes) {
  chat::v1::RoomEvent event;
  event.mutable_joined()->set_nickname("ann");
  EXPECT_EQ(line_of(event), "-> ann joined");
  event.mutable_left()->set_nickname("ann");
  EXPECT_EQ(line_of(event), "<- ann left");
}

TEST(Rendering, SaysWhatIsMissingAndWhy) {
  chat::v1::RoomEvent event;
  event.mutable_gap()->set_from(3);
  event.mutable_gap()->set_to(12);
  event.mutable_gap()->set_reason(chat::v1::Gap::RETENTION);
  EXPECT_EQ(line_of(event), "-- 10 messages (3 to 12) no longer kept");
}

TEST(Rendering, SurvivesAnEventOfALaterVersion) {
  EXPECT_FALSE(line_of(chat::v1::RoomEvent()).empty());
}

TEST(Rendering, WritesJsonOnOneLine) {
  const auto json = to_json(message("ann", "two\nlines\033"));
  EXPECT_EQ(json, R"({"room":"lobby","message":{"sequence":"7","sender":"ann","text":"two\nlines\u001b"}})");
}

}  // namespace
}  // namespace switchboard::chat_client
