#pragma once

/// The limits of a server's connections, each of which counts and logs its hits (limit/limit_monitor.hpp).
/// Threads    any.

#include <memory>

#include <switchboard/limit/limit_monitor.hpp>
#include <switchboard/link/close_reason.hpp>

namespace switchboard::actors {

struct limit_hits {
  explicit limit_hits(const std::shared_ptr<metrics::registry>& figures)
      : open_calls_max("open_calls_max", figures),
        metadata_bytes_max("metadata_bytes_max", figures),
        open_calls_metadata_bytes_max("open_calls_metadata_bytes_max", figures),
        frame_bytes_max("frame_bytes_max", figures),
        connections_max("connections_max", figures),
        connections_per_address_max("connections_per_address_max", figures),
        handshake_timeout("handshake_timeout", figures),
        authentication_timeout("authentication_timeout", figures),
        frame_timeout("frame_timeout", figures),
        idle_timeout("idle_timeout", figures),
        peer_timeout("peer_timeout", figures),
        memory_max("memory_max", figures),
        flush_timeout("flush_timeout", figures) {}

  /// The limit that ended a connection; null where that was none.
  limit_monitor* of(link::close_reason reason) noexcept;

  limit_monitor open_calls_max;
  limit_monitor metadata_bytes_max;             ///< of one request: its bytes, or its pairs
  limit_monitor open_calls_metadata_bytes_max;  ///< of all that one connection's open calls keep
  limit_monitor frame_bytes_max;
  limit_monitor connections_max;
  limit_monitor connections_per_address_max;
  limit_monitor handshake_timeout;
  limit_monitor authentication_timeout;
  limit_monitor frame_timeout;
  limit_monitor idle_timeout;
  limit_monitor peer_timeout;
  limit_monitor memory_max;
  limit_monitor flush_timeout;
};

}  // namespace switchboard::actors
