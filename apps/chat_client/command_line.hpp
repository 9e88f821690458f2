#pragma once

/// What chat-client was asked to do.
/// Errors     one line on standard error and exit status 2.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <switchboard/net/endpoint.hpp>

namespace switchboard::chat_client {

struct command_line {
  net::endpoint server;
  std::string room;
  std::string nickname;  ///< empty: an observer
  std::vector<std::string> send;
  bool watch = false;
  bool json = false;
  std::optional<std::uint64_t> count;
  std::optional<std::chrono::milliseconds> timeout;
  std::optional<std::uint32_t> history;
};

/// What to do, or the status to exit with at once (0 after --help).
std::variant<command_line, int> parse_command_line(int argc, const char* const* argv);

/// Why a name is not allowed (chat.proto), or nothing.
std::optional<std::string> objection_to_room(std::string_view room);
std::optional<std::string> objection_to_nickname(std::string_view nickname);
std::optional<std::string> objection_to_text(std::string_view text);

}  // namespace switchboard::chat_client
