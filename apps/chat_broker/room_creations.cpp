#include "room_creations.hpp"

#include <string>

#include <switchboard/net/endpoint.hpp>

namespace switchboard::chat {
namespace {

/// Empty where the peer has none: a Unix socket's.
std::string address_of(const std::string& peer) {
  const auto at = net::endpoint::parse(peer);
  return at && at->kind() == net::endpoint::family::tcp ? at->host() : std::string{};
}

rpc::status refusal(const limit_monitor& limit, const rpc::caller& who, std::string why,
                    rate_limiter::duration retry_after = {}) {
  limit.hit(who.peer);
  rpc::status refused{rpc::code::resource_exhausted, limit.name() + ": " + std::move(why)};
  refused.retry_after = std::chrono::ceil<std::chrono::milliseconds>(retry_after);
  return refused;
}

}  // namespace

room_creations::room_creations(const chat_limits& limits, const std::shared_ptr<metrics::registry>& figures)
    : rooms_max_(limits.rooms_max),
      memory_(limits.room.memory),
      idle_timeout_(limits.room_idle_timeout),
      too_large_("rooms_memory_max", figures),
      too_many_("rooms_max", figures),
      too_fast_("room_creations_per_minute", figures),
      address_too_fast_("room_creations_per_address_per_minute", figures),
      by_connection_(limits.room_creations),
      by_address_(limits.room_creations_per_address) {}

rpc::status room_creations::charge(const rpc::caller& who, std::size_t rooms, rate_limiter::time_point now) {
  if (rooms >= rooms_max_) return refusal(too_many_, who, "there are " + std::to_string(rooms_max_) + " rooms already");
  if (who.id == 0) return {};
  const auto connection = std::to_string(who.id);
  if (const auto wait = by_connection_.wait(connection, now); wait.count() > 0)
    return refusal(too_fast_, who, "this connection has made many rooms", wait);
  const auto address = address_of(who.peer);
  if (const auto wait = by_address_.wait(address, now); wait.count() > 0)
    return refusal(address_too_fast_, who, "this address has made many rooms", wait);
  by_connection_.charge(connection, now);
  if (!address.empty()) by_address_.charge(address, now);
  return {};
}

rpc::status room_creations::refusal_of_use(const rpc::caller& who) const {
  if (!memory_ || memory_->has_place_for(rooms::room_feed::room_bytes)) return {};
  return refusal(too_large_, who, "the rooms that are in use take the memory that there is for them", idle_timeout_);
}

}  // namespace switchboard::chat
