#include "socket_listener.hpp"

#include "accept_next.hpp"

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <switchboard/error/errc.hpp>
#include <switchboard/net/socket_address.hpp>
#include <switchboard/net/system_sockets.hpp>

namespace switchboard::net {
namespace {

/// Input of a refused client that is read before closing: a close with unread input would reset the connection, and the
/// goodbye status with it.
constexpr std::size_t refused_input_limit_bytes = 16 * 1024;

descriptor open_spare() noexcept {
  return descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

std::error_code prepare_tcp(int socket, int address_family) noexcept {
  const int on = 1;
  if (setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) return system_error_code(errno);
  // So that 0.0.0.0 and [::] may be listened at side by side whatever the system's default.
  if (address_family == AF_INET6 && setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0)
    return system_error_code(errno);
  return set_tcp_options(socket);
}

std::error_code listen_tcp(int socket, socket_address& address) noexcept {
  if (const auto failure = prepare_tcp(socket, address.storage.ss_family)) return failure;
  if (::bind(socket, address.data(), address.size) != 0 || ::listen(socket, SOMAXCONN) != 0 ||
      ::getsockname(socket, address.data(), &address.size) != 0)
    return system_error_code(errno);
  return {};
}

}  // namespace

error_or<std::unique_ptr<listener>> open_listener(const endpoint& at) {
  auto addresses = resolve(at, resolve_for::listening);
  if (!addresses) return addresses.error();
  auto spare = open_spare();
  if (!spare) return system_error_code(errno);
  std::error_code failure;
  for (auto& address : *addresses) {
    auto socket = open_socket(address.storage.ss_family, SOCK_STREAM);
    if (!socket) {
      failure = system_error_code(errno);
      continue;
    }
    if (at.kind() == endpoint::family::local) {
      auto file = socket_file::bind_and_listen(socket.get(), address, at.path());
      if (!file) return file.error();
      return std::unique_ptr<listener>(new socket_listener(std::move(socket), std::move(*file), std::move(spare), at));
    }
    failure = listen_tcp(socket.get(), address);
    if (!failure)
      return std::unique_ptr<listener>(
          new socket_listener(std::move(socket), socket_file(), std::move(spare), to_endpoint(address)));
  }
  return failure;
}

socket_listener::socket_listener(descriptor socket, socket_file file, descriptor spare, endpoint local) noexcept
    : socket_(std::move(socket)), file_(std::move(file)), spare_(std::move(spare)), local_(std::move(local)) {}

error_or<std::unique_ptr<transport>> socket_listener::accept() noexcept try {
  socket_address peer;
  auto taken = accept_next(socket_.get(), &peer);
  if (taken.socket) return make_transport(std::move(taken.socket), to_endpoint(peer), true);
  if (taken.error == EAGAIN) return std::unique_ptr<transport>();
  return system_error_code(taken.error);
} catch (const std::bad_alloc&) {
  return std::make_error_code(std::errc::not_enough_memory);
}

bool socket_listener::refuse(void (*say_goodbye)(transport&)) noexcept {
  // Another thread may take the number that this frees; then accept() fails as before, and the spare is opened again when
  // it can be.
  spare_.reset();
  bool refused = false;
  if (auto taken = accept(); taken && *taken) {
    auto& connection = **taken;
    if (say_goodbye != nullptr) say_goodbye(connection);
    static_cast<void>(connection.shutdown_write());
    std::array<std::byte, refused_input_limit_bytes> ignored;
    static_cast<void>(connection.read(ignored));
    refused = true;
  }
  spare_ = open_spare();
  return refused;
}

}  // namespace switchboard::net
