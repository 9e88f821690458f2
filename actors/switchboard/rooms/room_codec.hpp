#pragma once

/// What a room says, in the messages of the service whose room it is.
///
/// Why        rooms are a part for any service: order, history, presence and delivery are theirs, the bytes are the
///            service's.
/// Threads    any; implementations are immutable.
/// Owns       nothing; what is encoded is shared by all who are sent it.
/// Errors     none.

#include <cstdint>
#include <string>
#include <string_view>

#include <switchboard/rooms/feed_codec.hpp>
#include <switchboard/rooms/log.hpp>
#include <switchboard/rpc/call.hpp>
#include <switchboard/wire/shared_bytes.hpp>

namespace switchboard::rooms {

class room_codec : public feed_codec {
public:
  /// What the log stores of a publish: `content` is what the service put into room_publish.
  virtual std::string body(std::string_view sender, std::string_view content) const = 0;
  virtual wire::shared_bytes joined(const std::string& room, const std::string& nickname) const = 0;
  virtual wire::shared_bytes left(const std::string& room, const std::string& nickname) const = 0;

  /// Answers a room_publish whose message is in the log; failures the room answers itself.
  virtual void published(rpc::call_handle call, const append_result& stored) const = 0;
};

}  // namespace switchboard::rooms
