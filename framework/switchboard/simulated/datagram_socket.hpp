#pragma once

/// One of two datagram sockets of a simulated world, connected to each other; datagrams arrive whole and in order.
/// Threads    one at a time.
/// Owns       the socket, closed by the destructor.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <switchboard/net/socket_handle.hpp>

namespace switchboard::simulated {

class fabric;

class datagram_socket {
public:
  datagram_socket(std::shared_ptr<fabric> in, net::socket_handle handle) noexcept;
  datagram_socket(datagram_socket&& other) noexcept;
  datagram_socket& operator=(datagram_socket&&) = delete;
  ~datagram_socket();

  net::socket_handle handle() const noexcept { return handle_; }
  void send(std::string_view datagram);
  /// The next datagram, which may be empty; nothing where none waits.
  std::optional<std::string> receive();
  /// Ends both directions, which a datagram socket tells nobody (N21).
  void shutdown();

private:
  std::shared_ptr<fabric> fabric_;
  net::socket_handle handle_;
};

}  // namespace switchboard::simulated
