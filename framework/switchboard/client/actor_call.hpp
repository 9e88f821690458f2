#pragma once

/// One call of an actor's channel: where its replies go, and where its requests come from.
///
/// Threads    the channel's actor, in its handlers.
/// Owns       both ends.

#include <cstdint>
#include <memory>

#include <switchboard/client/call_handler.hpp>
#include <switchboard/client/reply_taker.hpp>
#include <switchboard/rpc/inbound_bytes.hpp>

namespace switchboard::client {

class channel_actor;

class actor_call final : public call_handler {
public:
  /// `requests`: where they stream.
  actor_call(channel_actor& by, std::uint64_t number, std::shared_ptr<reply_taker> replies,
             rpc::inbound_bytes requests);

  reply_taker& replies() noexcept { return *replies_; }
  rpc::inbound_bytes& requests() noexcept { return requests_; }

  rpc::status on_reply(std::string_view message) override;
  void on_credit(std::uint32_t more) override;
  void on_end(const rpc::status& how) override;

private:
  channel_actor& channel_;
  const std::uint64_t number_;
  const std::shared_ptr<reply_taker> replies_;
  rpc::inbound_bytes requests_;
};

}  // namespace switchboard::client
