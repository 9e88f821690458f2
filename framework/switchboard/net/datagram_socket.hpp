#pragma once

/// A socket for datagrams (UDP), non-blocking. It may be registered with a notification port before it is bound.
///
/// Threads    one at a time.
/// Owns       the socket, closed by the destructor. Remove its registration first (N50).
/// Errors     in the io_result; would-block is an outcome. A datagram may be empty: then 0 bytes are `done` (N24), and there
///            is no end of stream. One that does not fit is dropped and is std::errc::message_size; an error that an
///            earlier send met on its way (connection_refused, connection_reset) may show in any call and ends nothing.

#include <switchboard/net/transport.hpp>

namespace switchboard::net {

class datagram_socket {
public:
  virtual ~datagram_socket() = default;

  virtual socket_handle handle() const noexcept = 0;
  /// Takes an address, of the family the socket was opened for; port 0 lets the system choose.
  virtual std::error_code bind(const endpoint& at) = 0;
  /// Where it is bound.
  virtual error_or<endpoint> local() const = 0;
  virtual io_result send(std::span<const std::byte> datagram, const endpoint& to) = 0;
  /// The next datagram; `from` is its sender's address.
  virtual io_result receive(std::span<std::byte> into, endpoint& from) = 0;
};

}  // namespace switchboard::net
