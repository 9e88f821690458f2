#pragma once

/// The operating system's datagram socket.

#include <memory>

#include <switchboard/net/datagram_socket.hpp>
#include <switchboard/net/descriptor.hpp>

namespace switchboard::net {

class system_datagram_socket final : public datagram_socket {
public:
  /// Of the family that `like` resolves to.
  static error_or<std::unique_ptr<datagram_socket>> open(const endpoint& like);

  explicit system_datagram_socket(descriptor socket) noexcept : socket_(std::move(socket)) {}

  socket_handle handle() const noexcept override { return socket_.handle(); }
  std::error_code bind(const endpoint& at) override;
  error_or<endpoint> local() const override;
  io_result send(std::span<const std::byte> datagram, const endpoint& to) override;
  io_result receive(std::span<std::byte> into, endpoint& from) override;

private:
  descriptor socket_;
};

}  // namespace switchboard::net
