#pragma once

/// The bare loop's work on a notification port, as a server: the port's public interface and nothing above it.
///
/// Why        the port's own questions (how many ports, which way to accept, which backend) are asked without actors.
/// Threads    serve_on_ports() waits for its threads, which a signal ends.
/// Errors     one line on the error stream, and 1.

#include <chrono>
#include <cstddef>
#include <string>

#include <switchboard/net/endpoint.hpp>

namespace switchboard::bench {

enum class accepting : unsigned char {
  one_a_packet,   ///< of the listener's readiness (N53)
  all_a_packet,   ///< until would-block
  asynchronously  ///< several outstanding (N54)
};

struct port_loop_options {
  std::string backend = "epoll";
  std::size_t threads = 1;
  bool port_a_thread = false;  ///< connections then go to the ports in turn; else all threads drain one
  accepting how = accepting::all_a_packet;
  std::size_t accepts_under_way = 16;  ///< where asynchronous
  std::chrono::microseconds work{0};   ///< processor time that each call takes beside its echo
};

/// Says `listening on ADDRESS` and serves until it is killed.
int serve_on_ports(const net::endpoint& at, const port_loop_options& options);

}  // namespace switchboard::bench
