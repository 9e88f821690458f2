#pragma once

/// How often a simulated network and its notification ports are slow or fail, within what their contracts allow. The
/// default is fair weather: bytes arrive at once and nothing fails.
/// Threads    a value.

#include <chrono>
#include <cstddef>

#include <switchboard/simulated/dice.hpp>

namespace switchboard::simulated {

struct weather {
  using duration = std::chrono::steady_clock::duration;

  // The network.
  duration latency{0};  ///< the longest time that a segment takes to arrive; each takes a random part of it
  std::size_t send_buffer_bytes = 1 << 16;  ///< of one direction: sent and not yet read
  chance short_read = 0;                    ///< a read returns only a part of what is there
  chance short_write = 0;                   ///< a write accepts only a part of what there is room for
  chance would_block = 0;                   ///< a read or write would block, for at most `lull`
  duration lull = std::chrono::milliseconds{2};
  chance cut = 0;             ///< a write finds the connection broken, between any two bytes
  chance accept_failure = 0;  ///< accepting finds no descriptor

  // The port.
  chance spurious = 0;         ///< an arm is followed by a packet with a condition that does not hold (N36)
  chance late_packet = 0;      ///< readiness is reported late, by at most `delay`
  chance late_removal = 0;     ///< REMOVE is reported late, by at most `delay`
  chance stale_packet = 0;     ///< a packet of a socket that was closed without REMOVE arrives (N51)
  chance request_failure = 0;  ///< a single request fails with out of memory, at most twice in a row (N12)
  chance call_failure = 0;     ///< a whole call fails likewise, and changes nothing (N17)
  duration delay = std::chrono::milliseconds{2};
  bool shuffled = false;  ///< sockets that are ready together are served in any order (N47)
};

}  // namespace switchboard::simulated
