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
