#pragma once

/// Every bound that a broker's connections keep to, in one place, each with its unit and its default
/// (proto/README.md, "Limits", "Flow control", "Draining").
///
/// Threads    a value; a broker copies it when it starts.
/// Errors     check() names the first pair of limits that contradict each other.

#include <chrono>
#include <cstddef>
#include <string>

#include <switchboard/link/limits.hpp>

namespace switchboard::actors {

struct limits {
  link::limits link;

  /// What all clients together make the server hold (budget/ledger.hpp); past it, the connection that holds most is ended.
  /// Messages in memory get at most half of it. 0: for a server half of what the machine, or its control group, allows; for
  /// a broker without one no bound.
  std::size_t memory_max = 0;

  /// What one connection may make the server hold: output, requests that services have, and the most that their answers
  /// take (rpc/service.hpp, "Answers"). A call without room for its request and answer waits until there is. Besides, each
  /// open call takes a little (client_memory.hpp), and what is kept of its metadata.
  std::size_t connection_memory_max = 4 * 1024 * 1024;
  /// Calls open at once on one connection; one more is answered RESOURCE_EXHAUSTED. Those that the connection answers
  /// itself do not count. As many may have ended for the client while services still have them: there reading stops.
  std::size_t open_calls_max = 4096;
  /// Bytes of requests that services of one connection hold, and of those that wait; reading stops there. At most half of
  /// them are metadata that open calls keep, which only their end frees: a call with more is answered RESOURCE_EXHAUSTED.
  std::size_t request_bytes_in_flight_max = 4 * 1024 * 1024;

  /// What a stream adds to a connection's output before others get their turn.
  std::size_t turn_messages_max = 256;
  std::size_t turn_bytes_max = 256 * 1024;

  /// Connections in all, and from one address (of TCP); one more is accepted, sent RESOURCE_EXHAUSTED and closed. 0: as
  /// many as there are descriptors for.
  std::size_t connections_max = 0;
  std::size_t connections_per_address_max = 0;
  /// How long a client may take to authenticate, where that is demanded; then it is sent UNAUTHENTICATED, and closed.
  std::chrono::milliseconds authentication_timeout{10'000};

  /// How long a client may be silent; then it is pinged, and after as long again sent UNAVAILABLE and closed. 0: for ever.
  std::chrono::milliseconds idle_timeout{0};

  /// How long a client's system may answer nothing to what it was sent, not even that it has no room; then the connection
  /// is taken for lost. 0: as long as the system repeats what it sent, about 15 minutes. Noticed within twice that time; of
  /// a client that left no room before it was gone, within four minutes more, since probes become rare. Where nothing is
  /// outstanding keepalive finds it (net/network.hpp).
  std::chrono::milliseconds peer_timeout{30'000};

  /// How long unary calls may go on after a drain has begun.
  std::chrono::milliseconds drain_timeout{3'000};

  /// Empty, or one sentence about limits that cannot hold together.
  std::string check() const {
    if (link.frame_bytes_max == 0) return "the frame limit must be above 0";
    if (memory_max != 0 && memory_max < 2 * request_bytes_in_flight_max)
      return "the memory in all must hold the requests in flight of two connections";
    if (open_calls_max == 0) return "the limit of open calls must be above 0";
    if (link.outbound_low_bytes >= link.outbound_high_bytes) return "the outbound low mark must be below the high mark";
    if (turn_messages_max == 0 || turn_bytes_max == 0) return "a turn must allow at least one message and one byte";
    if (request_bytes_in_flight_max < link.frame_bytes_max)
      return "the limit of request bytes in flight must hold at least one frame";
    if (connection_memory_max < 2 * link.frame_bytes_max)
      return "the memory of a connection must hold a request of a frame and its answer";
    return {};
  }
};

}  // namespace switchboard::actors
