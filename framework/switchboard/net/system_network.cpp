#include <switchboard/error/errc.hpp>
#include <switchboard/net/network.hpp>
#include <switchboard/net/socket_address.hpp>
#include <switchboard/net/system_datagram_socket.hpp>
#include <switchboard/net/system_sockets.hpp>

namespace switchboard::net {
namespace {

/// The error `socket` has already met, if it has: over loopback a refusal may be there when connect() returns.
int immediate_failure(socket_number socket) noexcept {
  int pending = 0;
  socklen_t size = sizeof pending;
  return getsockopt(socket, SOL_SOCKET, SO_ERROR, reinterpret_cast<char*>(&pending), &size) == 0 ? pending
                                                                                                 : last_error();
}

error_or<descriptor> start_connection(const socket_address& to, bool is_last) {
  auto socket = open_socket(to.storage.ss_family, SOCK_STREAM);
  if (!socket) return system_error_code(last_error());
  if (to.storage.ss_family != AF_UNIX)
    for (auto* const set : {set_tcp_options, set_connecting_options})
      if (const auto failure = set(socket.get())) return failure;
  if (::connect(socket.get(), to.data(), to.size) != 0 && !is_connecting(last_error()))
    return system_error_code(last_error());
  // "localhost" is ::1 before it is 127.0.0.1, and a server may listen at only one of them. The last address keeps its
  // error for pending_error(), where every caller looks.
  if (!is_last)
    if (const int failure = immediate_failure(socket.get())) return system_error_code(failure);
  return socket;
}

class kernel_network final : public network {
public:
  error_or<std::unique_ptr<listener>> listen(const endpoint& at) override {
    if (const auto failure = start_sockets()) return failure;
    return open_listener(at);
  }

  error_or<std::unique_ptr<transport>> connect(const endpoint& to) override {
    if (const auto failure = start_sockets()) return failure;
    const auto addresses = resolve(to, resolve_for::connecting);
    if (!addresses) return addresses.error();
    std::error_code failure;
    for (const auto& address : *addresses) {
      auto socket = start_connection(address, &address == &addresses->back());
      if (socket) return make_transport(std::move(*socket), to_endpoint(address), false);
      failure = socket.error();
    }
    return failure;
  }

  error_or<std::unique_ptr<transport>> adopt(socket_handle accepted) override {
    descriptor socket(accepted);
    socket_address peer;
    if (::getpeername(socket.get(), peer.data(), &peer.size) != 0) return system_error_code(last_error());
    if (peer.storage.ss_family != AF_UNIX)
      if (const auto failure = set_accepted_options(socket.get())) return failure;
    return make_transport(std::move(socket), to_endpoint(peer), true);
  }

  error_or<std::unique_ptr<datagram_socket>> open_datagrams(const endpoint& like) override {
    if (const auto failure = start_sockets()) return failure;
    return system_datagram_socket::open(like);
  }
};

}  // namespace

bool is_connected(socket_number socket) noexcept {
  socket_address peer;
  return ::getpeername(socket, peer.data(), &peer.size) == 0;
}

network& system_network() noexcept {
  static kernel_network instance;
  return instance;
}

}  // namespace switchboard::net
