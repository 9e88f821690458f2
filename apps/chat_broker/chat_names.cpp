#include "chat_names.hpp"

#include "chat_limits.hpp"

#include <algorithm>
#include <string>

#include <google/protobuf/util/time_util.h>

namespace switchboard::chat {
namespace {

rpc::status invalid(std::string text) {
  return {rpc::code::invalid_argument, std::move(text)};
}

rpc::status at_most(const char* what, std::string_view value, std::size_t limit) {
  if (value.size() <= limit) return {};
  return invalid(std::string(what) + " of " + std::to_string(value.size()) + " bytes is above the limit of " +
                 std::to_string(limit));
}

/// A time that has no JSON form is none (google.protobuf.Timestamp).
rpc::status check_time(const google::protobuf::Timestamp& time) {
  using google::protobuf::util::TimeUtil;
  if (time.seconds() >= TimeUtil::kTimestampMinSeconds && time.seconds() <= TimeUtil::kTimestampMaxSeconds &&
      time.nanos() >= 0 && time.nanos() < 1'000'000'000)
    return {};
  return invalid("a sent_at outside of the years 1 to 9999");
}

bool is_room_character(char each) {
  return (each >= 'A' && each <= 'Z') || (each >= 'a' && each <= 'z') || (each >= '0' && each <= '9') || each == '.' ||
         each == '_' || each == '-';
}

}  // namespace

rpc::status check_room(std::string_view room) {
  if (room.empty()) return invalid("a room needs a name");
  if (!std::all_of(room.begin(), room.end(), is_room_character))
    return invalid("a room's name is made of A-Z a-z 0-9 . _ -");
  return at_most("a room's name", room, room_name_bytes_max);
}

rpc::status check_nickname(std::string_view nickname) {
  for (std::size_t i = 0; i < nickname.size(); ++i) {
    const auto byte = static_cast<unsigned char>(nickname[i]);
    const auto next = i + 1 < nickname.size() ? static_cast<unsigned char>(nickname[i + 1]) : 0;
    // U+0080 to U+009F are C2 80 to C2 9F in UTF-8.
    if (byte < 0x20 || byte == 0x7f || (byte == 0xc2 && next >= 0x80 && next <= 0x9f))
      return invalid("a nickname has no control characters");
  }
  return at_most("a nickname", nickname, nickname_bytes_max);
}

rpc::status check_text(std::string_view text) {
  return at_most("a text", text, text_bytes_max);
}

rpc::status check_client_message_id(std::string_view id) {
  return at_most("a client_message_id", id, client_message_id_bytes_max);
}

rpc::status check_message(const v1::ChatMessage& message) {
  if (message.sender().empty()) return invalid("a message without a sender");
  for (auto bad : {check_nickname(message.sender()), check_text(message.text()),
                   check_client_message_id(message.client_message_id()), check_time(message.sent_at())})
    if (!bad.ok()) return bad;
  return {};
}

rpc::status check_resume_token(std::string_view token) {
  if (token.empty() || token.size() == resume_token_bytes) return {};
  return invalid("a resume_token is empty or has 16 bytes");
}

}  // namespace switchboard::chat
