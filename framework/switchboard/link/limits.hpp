#pragma once

/// The bounds that every link keeps to, each with its unit and its default (proto/README.md, "Limits", "Flow control",
/// "Draining").
/// Threads    a value.

#include <chrono>
#include <cstddef>

#include <switchboard/wire/limits.hpp>

namespace switchboard::link {

struct limits {
  /// Bytes of one frame of the peer's after its size varint.
  std::size_t frame_bytes_max = wire::default_frame_limit;

  /// Outbound bytes above which no stream message is to be queued, nor while the socket takes nothing; reading stops when
  /// replies alone pass twice that.
  std::size_t outbound_high_bytes = 1024 * 1024;
  /// Outbound bytes at which both go on.
  std::size_t outbound_low_bytes = 256 * 1024;

  /// How long the making of a connection may take, a handshake included.
  std::chrono::milliseconds handshake_timeout{10'000};
  /// How long the peer may take to finish a frame that it has begun, counted only while this side reads. One that grows by
  /// at least `frame_bytes_per_second` is in time.
  std::chrono::milliseconds frame_timeout{30'000};
  std::size_t frame_bytes_per_second = 16 * 1024;
  /// How long the peer of a link that this side ends may take to accept what is queued.
  std::chrono::milliseconds flush_timeout{2'000};
  /// How long input is read and thrown away after an error, so that a reset does not overtake the status.
  std::chrono::milliseconds linger{1'000};
  /// How long output is flushed to a peer that has ended its own stream.
  std::chrono::milliseconds end_of_stream_flush{30'000};
};

}  // namespace switchboard::link
