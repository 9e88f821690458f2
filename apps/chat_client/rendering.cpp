#include "rendering.hpp"

#include <array>
#include <ctime>
#include <functional>

#include <google/protobuf/util/json_util.h>

#include <switchboard/text/printable.hpp>

namespace switchboard::chat_client {
namespace {

// SGR codes that are legible on light and dark grounds alike.
constexpr std::string_view dim = "2";
constexpr std::array<std::string_view, 6> sender_colours{"31", "32", "33", "34", "35", "36"};

std::string painted(std::string_view text, std::string_view colour, const appearance& how) {
  if (!how.colour) return std::string(text);
  std::string out = "\033[";
  return out.append(colour).append("m").append(text).append("\033[0m");
}

std::string name(const std::string& nickname, const appearance& how) {
  const auto colour = sender_colours[std::hash<std::string>{}(nickname) % sender_colours.size()];
  return painted(text::printable(nickname), colour, how);
}

std::string clock_time(std::time_t seconds, const appearance& how) {
  std::tm local{};
  localtime_r(&seconds, &local);
  char text[16];
  std::strftime(text, sizeof text, "%H:%M:%S", &local);
  return painted(text, dim, how);
}

std::string range(const chat::v1::Gap& gap) {
  const auto count = gap.to() - gap.from() + 1;
  return count == 1 ? "message " + std::to_string(gap.from())
                    : std::to_string(count) + " messages (" + std::to_string(gap.from()) + " to " +
                          std::to_string(gap.to()) + ")";
}

std::string reason(const chat::v1::Gap& gap) {
  switch (gap.reason()) {
    case chat::v1::Gap::RETENTION:
      return "no longer kept";
    case chat::v1::Gap::HISTORY_LIMIT:
      return "not asked for";
    default:
      return "left out";
  }
}

std::string content(const chat::v1::RoomEvent& event, const appearance& how) {
  switch (event.event_case()) {
    case chat::v1::RoomEvent::kMessage:
      return name(event.message().sender(), how) + ": " + text::printable(event.message().text());
    case chat::v1::RoomEvent::kJoined:
      return painted("-> ", dim, how) + name(event.joined().nickname(), how) + painted(" joined", dim, how);
    case chat::v1::RoomEvent::kLeft:
      return painted("<- ", dim, how) + name(event.left().nickname(), how) + painted(" left", dim, how);
    case chat::v1::RoomEvent::kCaughtUp:
      return painted("-- live from here (" + std::to_string(event.caught_up().sequence()) + " so far)", dim, how);
    case chat::v1::RoomEvent::kGap:
      return painted("-- " + range(event.gap()) + " " + reason(event.gap()), dim, how);
    case chat::v1::RoomEvent::EVENT_NOT_SET:
      break;
  }
  return painted("-- something this client does not know", dim, how);
}

}  // namespace

std::string to_line(const chat::v1::RoomEvent& event, const appearance& how,
                    std::chrono::system_clock::time_point now) {
  const auto seconds =
      event.has_message() ? event.message().sent_at().seconds() : std::chrono::system_clock::to_time_t(now);
  std::string line = clock_time(seconds, how) + ' ';
  if (how.room) line += painted("#" + text::printable(event.room()), dim, how) + ' ';
  return line + content(event, how);
}

std::string to_line(const chat::v1::ChatMessage& message, const appearance& how) {
  return clock_time(message.sent_at().seconds(), how) + ' ' + name(message.sender(), how) + ": " +
         text::printable(message.text());
}

std::string to_notice(std::string_view text, const appearance& how) {
  return painted("-- " + text::printable(text), dim, how);
}

std::string to_json(const chat::v1::RoomEvent& event) {
  std::string line;
  const auto status = google::protobuf::util::MessageToJsonString(event, &line);
  return status.ok() ? line : "{}";
}

}  // namespace switchboard::chat_client
