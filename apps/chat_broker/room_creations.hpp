#pragma once

/// How many rooms clients make: in all, and how fast those of one connection, and of one address, may.
///
/// Threads    the chat service's.
/// Owns       what connections and addresses have made lately.
/// Errors     as a status for the client: RESOURCE_EXHAUSTED with the limit's name, and after what time there is a place
///            where that is known.

#include "chat_limits.hpp"

#include <memory>

#include <switchboard/limit/limit_monitor.hpp>
#include <switchboard/metrics/registry.hpp>
#include <switchboard/rpc/call.hpp>

namespace switchboard::chat {

class room_creations {
public:
  /// Hits of the limits count in `figures`; null: nowhere.
  room_creations(const chat_limits& limits, const std::shared_ptr<metrics::registry>& figures);

  /// Has `who` make a room beside the `rooms` that there are; OK: it is charged for it. An actor of this process is not.
  rpc::status charge(const rpc::caller& who, std::size_t rooms, rate_limiter::time_point now);

private:
  const std::size_t rooms_max_;
  limit_monitor too_many_;
  limit_monitor too_fast_;
  limit_monitor address_too_fast_;
  rate_limiter by_connection_;
  rate_limiter by_address_;
};

}  // namespace switchboard::chat
