#pragma once

/// How tests say what they expect of chat rooms, and how failures read.
///
///     EXPECT_EQ(take_events(stream, 3, until), (std::vector<std::string>{"joined bob", "1 bob: hi", "left bob"}));
///
/// Threads    free functions.

#include <string>
#include <vector>

#include <switchboard/chat/v1/chat.pb.h>
#include <switchboard/testkit/expectations.hpp>

namespace switchboard::chat {

/// A room event in a few words: "3 ann: text", "joined ann", "left ann", "caught up 3", "gap 1-2 RETENTION".
inline std::string brief(const chat::v1::RoomEvent& event) {
  switch (event.event_case()) {
    case chat::v1::RoomEvent::kMessage:
      return std::to_string(event.message().sequence()) + ' ' + event.message().sender() + ": " +
             event.message().text();
    case chat::v1::RoomEvent::kJoined:
      return "joined " + event.joined().nickname();
    case chat::v1::RoomEvent::kLeft:
      return "left " + event.left().nickname();
    case chat::v1::RoomEvent::kCaughtUp:
      return "caught up " + std::to_string(event.caught_up().sequence());
    case chat::v1::RoomEvent::kGap:
      return "gap " + std::to_string(event.gap().from()) + '-' + std::to_string(event.gap().to()) + ' ' +
             chat::v1::Gap::Reason_Name(event.gap().reason());
    case chat::v1::RoomEvent::EVENT_NOT_SET:
      break;
  }
  return "no event";
}

/// The next `count` events of a Join, in brief, credit granted for each; what came instead of one is the last entry.
inline std::vector<std::string> take_events(client::stream& join, std::size_t count, client::deadline until) {
  std::vector<std::string> events;
  chat::v1::RoomEvent event;
  while (events.size() < count) {
    const auto step = join.next(event, until);
    if (!step.has_message()) {
      events.push_back(step.timed_out() ? "nothing came" : "ended " + testing::PrintToString(step.status));
      break;
    }
    join.grant(1);
    events.push_back(brief(event));
  }
  return events;
}

}  // namespace switchboard::chat
