#include "descriptor.hpp"
#include "socket_address.hpp"
#include "socket_listener.hpp"
#include "socket_transport.hpp"

#include <cerrno>

#include <poll.h>
#include <sys/socket.h>

#include <switchboard/net/network.hpp>

namespace switchboard::net {
namespace {

/// The error `socket` has already met, if it has: over loopback a refusal is there when connect(2) returns.
int immediate_failure(int socket) noexcept {
  pollfd state{.fd = socket, .events = 0, .revents = 0};
  if (::poll(&state, 1, 0) <= 0 || (state.revents & POLLERR) == 0) return 0;
  int pending = 0;
  socklen_t size = sizeof pending;
  return getsockopt(socket, SOL_SOCKET, SO_ERROR, &pending, &size) == 0 ? pending : errno;
}

error_or<descriptor> start_connection(const socket_address& to, bool is_last) {
  descriptor socket(::socket(to.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return system_error_code(errno);
  if (to.storage.ss_family != AF_UNIX)
    if (const auto failure = set_tcp_options(socket.get())) return failure;
  // EINTR as well means that the connection goes on being made (connect(2)).
  if (::connect(socket.get(), to.data(), to.size) != 0 && errno != EINPROGRESS && errno != EINTR)
    return system_error_code(errno);
  // "localhost" is ::1 before it is 127.0.0.1, and a server may listen at only one of them. The last address keeps its
  // error for pending_error(), where every caller looks.
  if (!is_last)
    if (const int failure = immediate_failure(socket.get())) return system_error_code(failure);
  return socket;
}

class kernel_network final : public network {
public:
  error_or<std::unique_ptr<listener>> listen(const endpoint& at) override { return socket_listener::open(at); }

  error_or<std::unique_ptr<transport>> connect(const endpoint& to) override {
    const auto addresses = resolve(to, resolve_for::connecting);
    if (!addresses) return addresses.error();
    std::error_code failure;
    for (const auto& address : *addresses) {
      auto socket = start_connection(address, &address == &addresses->back());
      if (socket) return std::unique_ptr<transport>(new socket_transport(std::move(*socket), to_endpoint(address)));
      failure = socket.error();
    }
    return failure;
  }

  error_or<std::unique_ptr<transport>> adopt(socket_handle accepted) override {
    descriptor socket(static_cast<int>(accepted));
    socket_address peer;
    if (::getpeername(socket.get(), peer.data(), &peer.size) != 0) return system_error_code(errno);
    return std::unique_ptr<transport>(new socket_transport(std::move(socket), to_endpoint(peer)));
  }
};

}  // namespace

network& system_network() noexcept {
  static kernel_network instance;
  return instance;
}

}  // namespace switchboard::net
