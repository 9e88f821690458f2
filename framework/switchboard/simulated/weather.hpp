#pragma once

/// What may go wrong in a simulated world without breaking any rule: how networks and notification ports behave on a bad
/// day. The default is fair weather: bytes arrive at once and nothing fails.
/// Threads    a value.

#include <chrono>
#include <cstddef>

#include <switchboard/simulated/dice.hpp>

namespace switchboard::simulated {

struct weather {
  using duration = std::chrono::steady_clock::duration;

  // The network.
  duration latency{0};                      ///< the longest way of a segment; each takes something up to it
  std::size_t send_buffer_bytes = 1 << 16;  ///< of one direction: sent and not yet read
  chance short_read = 0;                    ///< a read gives only some of what is there
  chance short_write = 0;                   ///< a write takes only some of what there is room for
  chance would_block = 0;                   ///< a read or write would block, and goes on doing so for a `lull` at most
  duration lull = std::chrono::milliseconds{2};
  chance cut = 0;             ///< a write finds the connection broken, between any two bytes
  chance accept_failure = 0;  ///< accepting finds no descriptor

  // The port.
  chance spurious = 0;         ///< an arm brings a packet of what is not so (N36)
  chance late_packet = 0;      ///< readiness is told only after a `delay` at most
  chance late_removal = 0;     ///< so is REMOVE
  chance stale_packet = 0;     ///< a socket closed without REMOVE leaves a packet behind (N51)
  chance request_failure = 0;  ///< a single request fails for want of memory, a few times in a row at most (N12)
  chance call_failure = 0;     ///< so does a whole call, and nothing has changed (N17)
  duration delay = std::chrono::milliseconds{2};
  bool shuffled = false;  ///< what is ready together comes in any order (N47)
};

}  // namespace switchboard::simulated
