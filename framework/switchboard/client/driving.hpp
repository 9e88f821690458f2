#pragma once

/// What the driver of a channel learns of it.
/// Threads    values.

#include <functional>
#include <optional>

#include <switchboard/client/deadline.hpp>
#include <switchboard/rpc/status.hpp>

namespace switchboard::client {

/// What driving a channel came to.
enum class [[nodiscard]] drive_outcome : unsigned char{
    done,      ///< what was waited for holds
    readable,  ///< one of the descriptors can be read
    over,      ///< the deadline has passed, or nothing can happen any more
};

/// Called on changes of a channel's connection, while the channel is driven.
struct connection_events {
  std::function<void()> on_connected{};
  /// Why it broke or could not be made, and how long until the next attempt; no time where none follows.
  std::function<void(const rpc::status& why, std::optional<clock::duration> pause)> on_lost{};
};

}  // namespace switchboard::client
