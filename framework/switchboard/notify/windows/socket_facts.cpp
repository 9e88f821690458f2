#include <switchboard/net/socket_headers.hpp>
#include <switchboard/notify/registrar.hpp>

namespace switchboard::notify {

std::optional<socket_facts> socket_facts::of(net::socket_handle socket) noexcept {
  int type = 0;
  int size = sizeof type;
  if (getsockopt(static_cast<SOCKET>(socket), SOL_SOCKET, SO_TYPE, reinterpret_cast<char*>(&type), &size) != 0)
    return std::nullopt;
  return socket_facts{0, type == SOCK_STREAM};
}

}  // namespace switchboard::notify
