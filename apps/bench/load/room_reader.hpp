#pragma once

/// Reads a chat room's history as a client that joins late does: a stream, with a window of messages on their way.
///
/// Threads    one; it waits.
/// Errors     std::runtime_error where the stream ends early.

#include <cstdint>
#include <functional>
#include <string>

#include <switchboard/chat/v1/chat.pb.h>
#include <switchboard/net/endpoint.hpp>

namespace switchboard::bench {

/// Calls `each` for every message of the room's `newest`, in the order they come, until the room has no more.
void read_room(const net::endpoint& server, const std::string& room, std::uint32_t newest,
               const std::function<void(const chat::v1::ChatMessage&)>& each);

}  // namespace switchboard::bench
