#pragma once

/// The addresses in use in a simulated world: which listener or datagram socket has which. The two kinds do not share
/// their addresses, as TCP and UDP do not share their ports.
/// Threads    one at a time.

#include <cstdint>
#include <map>
#include <string>
#include <system_error>

#include <switchboard/simulated/socket.hpp>

namespace switchboard::simulated {

class address_table {
public:
  /// Gives `by` its local address: `wanted`, with a free port where that has port 0. address_in_use where another
  /// socket of its kind has it.
  std::error_code bind(socket& by, const net::endpoint& wanted);
  /// Frees the address of `by`, if it has one.
  void release(const socket& by);
  /// The socket of this kind that is bound to `address`; a name of none otherwise.
  socket_name find(socket_kind kind, const std::string& address) const;
  /// A port number that no socket has had.
  std::uint16_t next_port() noexcept { return next_port_++; }

private:
  std::map<std::pair<socket_kind, std::string>, socket_name> bound_;
  std::uint16_t next_port_ = 40'000;
};

}  // namespace switchboard::simulated
