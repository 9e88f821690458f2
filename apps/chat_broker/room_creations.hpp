#pragma once

/// How many rooms clients make: in all, and how fast those of one connection, and of one address, may; and how many may be in
/// use.
///
/// Threads    the chat service's.
/// Owns       what connections and addresses have made lately.
/// Errors     as a status for the client: RESOURCE_EXHAUSTED with the limit's name, and after what time there is a place
///            where that is known.

#include "chat_limits.hpp"

#include <chrono>
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
  /// Whether one more may be in use: OK where rooms have the memory for it.
  rpc::status refusal_of_use(const rpc::caller& who) const;

private:
  const std::size_t rooms_max_;
  const std::shared_ptr<rooms::room_memory> memory_;
  const std::chrono::milliseconds idle_timeout_;
  limit_monitor too_large_;
  limit_monitor too_many_;
  limit_monitor too_fast_;
  limit_monitor address_too_fast_;
  rate_limiter by_connection_;
  rate_limiter by_address_;
};

}  // namespace switchboard::chat
