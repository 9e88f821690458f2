#pragma once

/// Connections of a simulated world: how they are made, what travels on them, how they break.
/// Threads    with the fabric's mutex held.
/// Owns       nothing; the sockets hold what was received and what is in flight to them.

#include <span>
#include <string>

#include <switchboard/net/transport.hpp>
#include <switchboard/simulated/dice.hpp>
#include <switchboard/simulated/socket_table.hpp>
#include <switchboard/simulated/virtual_clock.hpp>
#include <switchboard/simulated/weather.hpp>

namespace switchboard::simulated {

class fabric;

class stream_layer {
public:
  using clock = virtual_clock::clock;
  /// Connections that may wait to be accepted; further ones are refused. As on Linux by default (SOMAXCONN).
  static constexpr std::size_t backlog_limit = 4096;

  /// @param in  outlives this, and has its faults, clock and sockets already.
  explicit stream_layer(fabric& in) noexcept;

  void connect(socket& from, const net::endpoint& to);
  /// The first connection in the backlog of `at` that is not broken; null where there is none.
  socket* accept(socket& at);

  // As net::transport describes them.
  net::io_result handshake(socket& at);
  net::io_result read(socket& at, std::span<std::byte> into);
  net::io_result write(socket& at, std::span<const net::const_buffer> pieces);
  std::error_code shut_down(socket& at);

  /// Sends the peer of `at`, which is being closed, what a close sends: an end, or a reset where bytes were not read.
  void finish(socket& at);
  /// Breaks the connection; of what is in flight some arrives, up to any byte.
  void cut(socket& at);
  /// Bytes that `at` can send before its peer has to read some: those unread count, and those in flight.
  std::size_t room(const socket& at) const noexcept;

private:
  bool stalls(clock::time_point socket::*until, socket& at);
  static net::io_result nothing_to_read(socket& at) noexcept;
  clock::duration draw_latency();
  void reach_listener(socket_name from, const std::string& address);
  void send(const socket& from, segment what);
  void deliver_next(socket_name to);
  void arrive(socket& at, segment what);
  void break_connection(socket& at);

  fabric& fabric_;
  dice& dice_;
  const weather& weather_;
  const virtual_clock& time_;
  const socket_table& sockets_;
};

}  // namespace switchboard::simulated
