#pragma once

/// The plain transport: a stream socket of the operating system, TCP or Unix.

#include <switchboard/net/descriptor.hpp>
#include <switchboard/net/transport.hpp>

namespace switchboard::net {

class socket_transport final : public transport {
public:
  /// @pre `socket` is a non-blocking stream socket, connected or being connected.
  socket_transport(descriptor socket, endpoint peer, bool connected) noexcept;

  socket_handle handle() const noexcept override { return socket_.handle(); }
  const endpoint& peer() const noexcept override { return peer_; }
  io_result handshake() noexcept override;
  io_result read(std::span<std::byte> into) noexcept override;
  io_result write(std::span<const const_buffer> pieces) noexcept override;
  std::error_code shutdown_write() noexcept override;
  std::error_code pending_error() noexcept override;
  std::optional<std::chrono::milliseconds> unanswered_for() const noexcept override;

private:
  descriptor socket_;
  endpoint peer_;
  bool connected_;
};

}  // namespace switchboard::net
