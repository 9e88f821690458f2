#pragma once

/// Where a client's stream of room events stopped, so that the next Join goes on from there.
/// Threads    a value.

#include <cstdint>
#include <string>

#include <switchboard/chat/v1/chat.pb.h>

namespace switchboard::chat_client {

class resume_point {
public:
  /// At the beginning of a room that this client has not been in.
  resume_point();

  /// Writes the fields of a Join that say where it begins. A client without a nickname in `join` observes and has no
  /// resume token.
  /// @param history_limit  newest messages wanted where there is nothing to resume; 0 = none
  void fill(chat::v1::JoinRequest& join, std::uint32_t history_limit) const;
  /// Moves on to `event`. False for a message that was seen before.
  bool advance(const chat::v1::RoomEvent& event);

  /// Another room: the next Join asks for recent history, as the first one did.
  void leave_room();
  /// The room's log started over, and its sequences with it: the next Join asks for everything in the new log.
  void restart_log();

  /// The last sequence received; 0 = none.
  std::uint64_t last_sequence() const noexcept { return last_sequence_; }
  /// Whether a Join would name a place in a log, which the server may not have any more.
  bool names_place() const noexcept { return last_sequence_ != 0 || !log_id_.empty(); }

private:
  std::string token_;  // the same for as long as the program runs
  std::uint64_t last_sequence_ = 0;
  std::string log_id_;
  bool resuming_ = false;
};

}  // namespace switchboard::chat_client
