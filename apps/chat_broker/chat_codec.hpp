#pragma once

/// Rooms speaking chat.v1.
///
/// Form       what a room's log stores of a message is its ChatMessage but for the sequence, so that an event is made
///            from it by writing a few bytes in front, without parsing.
/// Threads    any: immutable.

#include <optional>
#include <string_view>

#include <switchboard/rooms/room_codec.hpp>

namespace switchboard::chat {

class chat_codec final : public rooms::room_codec {
public:
  /// `content`: a serialized ChatMessage without sequence and sender.
  std::string body(std::string_view sender, std::string_view content) const override;
  wire::shared_bytes entry(const std::string& room, std::uint64_t sequence, std::string_view body) const override;
  wire::shared_bytes gap(const std::string& room, std::uint64_t from, std::uint64_t to,
                         rooms::gap_reason why) const override;
  wire::shared_bytes caught_up(const std::string& room, std::uint64_t sequence,
                               const std::string& log_id) const override;
  wire::shared_bytes joined(const std::string& room, const std::string& nickname) const override;
  wire::shared_bytes left(const std::string& room, const std::string& nickname) const override;
  void published(rpc::call_handle call, const rooms::append_result& stored) const override;
};

/// The ChatMessage, serialized, in an entry as chat_codec::entry() makes them; nothing where it is none.
std::optional<std::string_view> message_in(std::string_view entry);

}  // namespace switchboard::chat
