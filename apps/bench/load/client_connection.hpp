#pragma once

/// A load client's connection: non-blocking, registered level-triggered with the client's epoll set, unsent bytes kept.
///
/// Threads    one.
/// Owns       the socket.
/// Errors     std::runtime_error: a load client whose connection ends cannot go on measuring.

#include "epoll_set.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include <switchboard/net/endpoint.hpp>
#include <switchboard/net/transport.hpp>

namespace switchboard::bench {

class client_connection {
public:
  static constexpr std::chrono::seconds connect_timeout{10};

  /// Connections from one address to one port, above which a client may run out of ports (28,231 by default on Linux).
  static constexpr std::size_t per_address = 20'000;

  /// Connects and registers; `owner` comes back in the events' data. From another address of 127.0.0.0/8 for each `source`
  /// but 0, which only a server on IPv4's loopback can be reached from.
  void open(const net::endpoint& server, const epoll_set& in, void* owner, std::size_t source = 0);

  /// Closing then resets the connection and leaves no TIME_WAIT (SO_LINGER of 0).
  void reset_when_closed();

  /// From now on nothing of it happens any more, whatever arrives.
  void stop_reading();

  /// What has arrived, in `scratch`; empty where nothing has.
  std::span<const std::byte> read(std::span<std::byte> scratch);
  /// Bytes appended here leave with the next flush().
  std::string& output() noexcept { return output_; }
  /// Writes what the socket takes, and asks for EPOLLOUT while some is left.
  void flush();

private:
  void watch(int operation, std::uint32_t interest);

  std::unique_ptr<net::transport> transport_;
  int descriptor_ = -1;
  int epoll_ = -1;
  void* owner_ = nullptr;
  std::string output_;
  std::size_t sent_ = 0;  // of output_; forgotten when all is, or too much
  bool waits_for_room_ = false;
};

}  // namespace switchboard::bench
