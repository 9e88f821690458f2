#pragma once

/// How a channel behaves, each bound with its unit and default.
/// Threads    a value.

#include <chrono>
#include <optional>

#include <switchboard/client/backoff.hpp>
#include <switchboard/client/call_table.hpp>
#include <switchboard/net/network.hpp>

namespace switchboard::client {

struct channel_options {
  /// Connects anew when the connection has broken or could not be made, after pauses; without it that is the end.
  std::optional<backoff> reconnect{};
  /// What happens to calls made after a break, while there is no connection: they wait for one until their deadline, or
  /// fail at once with UNAVAILABLE. The first connection is waited for in any case.
  bool wait_for_connection = true;
  /// How long the making of a connection may take; an actor's includes the look-up of the name.
  std::chrono::milliseconds connect_timeout{10'000};
  /// The deadline of an actor's unary calls that are made on behalf of no call that has one (rpc::current_deadline());
  /// 0: none. A thread gives each call its own.
  std::chrono::milliseconds timeout{0};
  call_limits limits{};
  /// Bytes waiting above which an actor's streams of requests wait too, and at which they go on.
  std::size_t output_high_bytes = std::size_t{1} << 20;
  std::size_t output_low_bytes = std::size_t{256} << 10;
  net::network* network = nullptr;  ///< the operating system's where none is given
};

}  // namespace switchboard::client
