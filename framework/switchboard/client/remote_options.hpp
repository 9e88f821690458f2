#pragma once

/// How a remote actor (client/remote.hpp) behaves, each bound with its unit and default.
/// Threads    a value.

#include <chrono>
#include <cstddef>
#include <optional>

#include <switchboard/client/backoff.hpp>
#include <switchboard/net/network.hpp>
#include <switchboard/wire/limits.hpp>

namespace switchboard::client {

struct remote_options {
  /// The deadline of unary calls made on behalf of no call that has one (rpc::current_deadline()); 0: none.
  std::chrono::milliseconds timeout{0};
  /// Connects anew when the connection has broken or could not be made, after pauses; without it that is the end.
  std::optional<backoff> reconnect{};
  /// What happens to calls made after a break, while there is no connection: they wait for one until their deadline, or
  /// fail at once with UNAVAILABLE. The first connection is waited for in any case.
  bool wait_for_connection = true;
  /// How long the making of a connection may take, the look-up of its name included.
  std::chrono::milliseconds connect_timeout{10'000};

  std::size_t frame_bytes_max = wire::default_frame_limit;  ///< of a frame, in either direction
  /// Calls open at once, those that wait for the connection included; one more fails with RESOURCE_EXHAUSTED.
  std::size_t open_calls_max = 4096;
  /// Bytes that may wait for the server to read them, or for the connection; a call beyond fails with
  /// RESOURCE_EXHAUSTED.
  std::size_t output_bytes_max = 16 * 1024 * 1024;
  /// Bytes waiting above which streams of requests wait too, and at which they go on.
  std::size_t output_high_bytes = 1024 * 1024;
  std::size_t output_low_bytes = 256 * 1024;

  net::network* network = nullptr;  ///< the operating system's where none is given
};

}  // namespace switchboard::client
