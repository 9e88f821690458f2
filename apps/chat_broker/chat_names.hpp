#pragma once

/// Which names, texts and messages chat takes (proto/switchboard/chat/v1/chat.proto, its head).
///
/// Threads    free functions.
/// Errors     a status of INVALID_ARGUMENT that says which rule was broken. That strings are UTF-8 was checked as they
///            were parsed.

#include <string_view>

#include <switchboard/chat/v1/chat.pb.h>
#include <switchboard/rpc/status.hpp>

namespace switchboard::chat {

rpc::status check_room(std::string_view room);
/// An empty nickname is no nickname: whether that is allowed is the caller's question.
rpc::status check_nickname(std::string_view nickname);
rpc::status check_text(std::string_view text);
rpc::status check_client_message_id(std::string_view id);
rpc::status check_resume_token(std::string_view token);
/// Whether a broker could have stored it, whatever its sequence.
rpc::status check_message(const v1::ChatMessage& message);

}  // namespace switchboard::chat
