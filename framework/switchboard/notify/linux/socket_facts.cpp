#include "socket_identity.hpp"

#include <sys/socket.h>
#include <sys/stat.h>

#include <switchboard/notify/registrar.hpp>

namespace switchboard::notify {

std::optional<std::uint64_t> identity_of(net::socket_handle socket) noexcept {
  const int descriptor = static_cast<int>(socket);
  std::uint64_t identity = 0;
  socklen_t size = sizeof identity;
  if (getsockopt(descriptor, SOL_SOCKET, SO_COOKIE, &identity, &size) == 0) return identity;
  // A kernel that emulates Linux may lack the cookie; the inode's number comes close.
  struct stat file {};
  if (::fstat(descriptor, &file) != 0 || !S_ISSOCK(file.st_mode)) return std::nullopt;
  return file.st_ino;
}

std::optional<socket_facts> socket_facts::of(net::socket_handle socket) noexcept {
  const int descriptor = static_cast<int>(socket);
  if (static_cast<net::socket_handle>(descriptor) != socket) return std::nullopt;
  int type = 0;
  socklen_t size = sizeof type;
  if (getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) != 0) return std::nullopt;
  const auto identity = identity_of(socket);
  if (!identity) return std::nullopt;
  return socket_facts{*identity, type == SOCK_STREAM || type == SOCK_SEQPACKET};
}

}  // namespace switchboard::notify
