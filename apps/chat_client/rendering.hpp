#pragma once

/// Room events as lines: for people, with what others sent made printable, or as protobuf's JSON for programs.
/// Threads    free functions.

#include <chrono>
#include <string>
#include <string_view>

#include <switchboard/chat/v1/chat.pb.h>

namespace switchboard::chat_client {

/// How lines for people look.
struct appearance {
  bool colour = false;
  bool room = false;  ///< name the room on every line
};

/// One line without its end. `now` is the time shown for events that carry none.
std::string to_line(const chat::v1::RoomEvent& event, const appearance& how, std::chrono::system_clock::time_point now);
std::string to_line(const chat::v1::ChatMessage& message, const appearance& how);
/// The client's own words, set off from the conversation.
std::string to_notice(std::string_view text, const appearance& how);
/// protobuf's JSON on one line.
std::string to_json(const chat::v1::RoomEvent& event);

}  // namespace switchboard::chat_client
