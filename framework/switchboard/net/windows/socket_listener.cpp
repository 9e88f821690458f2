#include "socket_listener.hpp"

#include "windows_sockets.hpp"

#include <array>
#include <new>

#include <switchboard/net/socket_address.hpp>
#include <switchboard/net/system_sockets.hpp>

namespace switchboard::net {
namespace {

/// How many connections that ended in the backlog one accept() passes over before it lets others run.
constexpr int skip_limit = 64;
/// Input of a refused client that is read before closing: a close with unread input would reset the connection, and the
/// goodbye status with it.
constexpr std::size_t refused_input_limit_bytes = 16 * 1024;

/// Errors of the connection, not of the listener. Wine calls one that has been reset by then not connected.
bool concerns_only_the_connection(int error) noexcept {
  return error == WSAECONNRESET || error == WSAECONNABORTED || error == WSAENETRESET || error == WSAENOTCONN;
}

bool switch_on(SOCKET socket, int level, int name) noexcept {
  const BOOL on = TRUE;
  return setsockopt(socket, level, name, reinterpret_cast<const char*>(&on), sizeof on) == 0;
}

/// SO_REUSEADDR would let a second listener take the port from a living one here; exclusive use still allows a restart.
bool prepare_tcp(SOCKET socket, int address_family) noexcept {
  return switch_on(socket, SOL_SOCKET, SO_EXCLUSIVEADDRUSE) &&
         (address_family != AF_INET6 || switch_on(socket, IPPROTO_IPV6, IPV6_V6ONLY));
}

}  // namespace

error_or<std::unique_ptr<listener>> open_listener(const endpoint& at) {
  auto addresses = resolve(at, resolve_for::listening);
  if (!addresses) return addresses.error();
  const bool is_tcp = at.kind() == endpoint::family::tcp;
  std::error_code failure;
  for (auto& address : *addresses) {
    auto socket = open_socket(address.storage.ss_family, SOCK_STREAM);
    if (socket && (!is_tcp || prepare_tcp(socket.get(), address.storage.ss_family)) &&
        ::bind(socket.get(), address.data(), address.size) == 0 && ::listen(socket.get(), SOMAXCONN) == 0 &&
        (!is_tcp || ::getsockname(socket.get(), address.data(), &address.size) == 0))
      return std::unique_ptr<listener>(new socket_listener(std::move(socket), is_tcp ? to_endpoint(address) : at));
    failure = system_error_code(last_error());
  }
  return failure;
}

socket_listener::~socket_listener() {
  if (local_.kind() == endpoint::family::local) ::DeleteFileA(local_.path().c_str());
}

error_or<std::unique_ptr<transport>> socket_listener::accept() noexcept try {
  for (int skipped = 0; skipped < skip_limit; ++skipped) {
    socket_address peer;
    descriptor taken(::accept(socket_.get(), peer.data(), &peer.size));
    if (taken) {
      if (!make_ours(taken.get())) return system_error_code(last_error());
      if (local_.kind() == endpoint::family::tcp)
        if (set_accepted_options(taken.get())) continue;
      return make_transport(std::move(taken), to_endpoint(peer), true);
    }
    const int error = last_error();
    if (is_would_block(error)) break;
    if (!concerns_only_the_connection(error)) return system_error_code(error);
  }
  return std::unique_ptr<transport>();
} catch (const std::bad_alloc&) {
  return std::make_error_code(std::errc::not_enough_memory);
}

bool socket_listener::refuse(void (*say_goodbye)(transport&)) noexcept {
  auto taken = accept();
  if (!taken || *taken == nullptr) return false;
  auto& connection = **taken;
  if (say_goodbye != nullptr) say_goodbye(connection);
  static_cast<void>(connection.shutdown_write());
  std::array<std::byte, refused_input_limit_bytes> ignored;
  static_cast<void>(connection.read(ignored));
  return true;
}

}  // namespace switchboard::net
