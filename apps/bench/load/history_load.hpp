#pragma once

/// Clients that join a room late, one after the other, and read its whole history.
///
/// Verifies   that every message is there, in its place, with its text.
/// Threads    one.
/// Errors     std::runtime_error where a stream ends early.

#include "measure/load.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <sys/types.h>

#include <switchboard/net/endpoint.hpp>

namespace switchboard::bench {

class history_load final : public load {
public:
  /// `messages`: in the room, each with `text`. `broker`: whose memory is looked at meanwhile.
  history_load(net::endpoint server, std::string room, std::uint32_t messages, std::string text,
               std::optional<pid_t> broker);

  /// Reads it as often as begins within `duration`, once at least. A result is a message; a latency is of a whole read.
  load_slice run(std::chrono::nanoseconds duration) override;
  /// The most memory that the broker was seen with, in bytes.
  std::size_t most_resident() const noexcept { return most_resident_; }

private:
  const net::endpoint server_;
  const std::string room_;
  const std::uint32_t messages_;
  const std::string text_;
  const std::optional<pid_t> broker_;
  std::size_t most_resident_ = 0;
};

}  // namespace switchboard::bench
