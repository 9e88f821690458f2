#pragma once

/// What a chat service bounds (proto/README.md, "Limits"; names in proto/switchboard/chat/v1/chat.proto). Bounds of what
/// rooms store are the log's (memory_limits).
/// Threads    values.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include <switchboard/budget/ledger.hpp>
#include <switchboard/limit/rate_limiter.hpp>
#include <switchboard/rooms/room_feed.hpp>

namespace switchboard::chat {

inline constexpr std::size_t room_name_bytes_max = 128;
inline constexpr std::size_t nickname_bytes_max = 64;
inline constexpr std::size_t text_bytes_max = std::size_t{64} << 10;
inline constexpr std::size_t client_message_id_bytes_max = 64;
inline constexpr std::size_t resume_token_bytes = 16;

/// Lists and histories are cut here, so that they fit into a frame with room to spare.
inline constexpr std::size_t reply_bytes_max = std::size_t{512} << 10;
/// What a request without a limit asks for.
inline constexpr std::uint32_t history_limit_default = 100;
inline constexpr std::uint32_t list_limit_default = 1000;

struct chat_limits {
  std::size_t rooms_max = 10'000;
  /// Rooms that joins of one connection, and of one address (of TCP), may make.
  rate room_creations{.burst = 1'000, .per_minute = 100};
  rate room_creations_per_address{.burst = 1'000, .per_minute = 0};
  /// How long a room without streams stays as it is. Then its actor and its windows end until it is used again; one that
  /// never held a message is forgotten. 0: for ever.
  std::chrono::milliseconds room_idle_timeout{60'000};
  rooms::room_limits room;
  /// Where replies in the making count; null: nowhere.
  std::shared_ptr<budget::ledger> memory{};
};

}  // namespace switchboard::chat
