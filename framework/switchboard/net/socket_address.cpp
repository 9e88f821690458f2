#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include <switchboard/error/errc.hpp>
#include <switchboard/net/socket_address.hpp>

namespace switchboard::net {
namespace {

error_or<socket_address> unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) return errc::invalid_endpoint;
  std::memcpy(address.sun_path, path.data(), path.size());
  socket_address result;
  std::memcpy(&result.storage, &address, sizeof address);
  result.size = sizeof address;
  return result;
}

std::error_code resolver_error(int code, int system_error) {
#ifdef EAI_SYSTEM
  if (code == EAI_SYSTEM) return {system_error, std::system_category()};
#else
  static_cast<void>(system_error);
#endif
  if (code == EAI_MEMORY) return std::make_error_code(std::errc::not_enough_memory);
  return errc::unresolved_host;
}

template <class Address>
Address read_as(const socket_address& from) {
  Address result;
  std::memcpy(&result, &from.storage, sizeof result);
  return result;
}

/// With the scope of a link-local address, as the system writes it.
std::string numeric_host(const socket_address& address) {
  std::array<char, NI_MAXHOST> text{};
  getnameinfo(address.data(), address.size, text.data(), static_cast<socklen_t>(text.size()), nullptr, 0,
              NI_NUMERICHOST);
  return text.data();
}

}  // namespace

error_or<std::vector<socket_address>> resolve(const endpoint& where, resolve_for purpose) {
  if (where.kind() == endpoint::family::local) {
    auto address = unix_address(where.path());
    if (!address) return address.error();
    return std::vector{*address};
  }
  addrinfo hints{};
  hints.ai_socktype = purpose == resolve_for::datagrams ? SOCK_DGRAM : SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | (purpose == resolve_for::listening ? AI_PASSIVE : 0);
  addrinfo* found = nullptr;
  if (const int code = getaddrinfo(where.host().c_str(), std::to_string(where.port()).c_str(), &hints, &found))
    return resolver_error(code, errno);
  std::vector<socket_address> result;
  for (const auto* each = found; each != nullptr; each = each->ai_next) {
    auto& address = result.emplace_back();
    std::memcpy(&address.storage, each->ai_addr, each->ai_addrlen);
    address.size = static_cast<socklen_t>(each->ai_addrlen);
  }
  freeaddrinfo(found);
  if (result.empty()) return errc::unresolved_host;
  return result;
}

endpoint to_endpoint(const socket_address& address) {
  switch (address.storage.ss_family) {
    case AF_INET:
      return endpoint::tcp(numeric_host(address), ntohs(read_as<sockaddr_in>(address).sin_port));
    case AF_INET6:
      return endpoint::tcp(numeric_host(address), ntohs(read_as<sockaddr_in6>(address).sin6_port));
    default: {
      // The kernel returns the length of a path, which need not end with NUL; a peer that never bound has none (unix(7)).
      constexpr auto before_path = offsetof(sockaddr_un, sun_path);
      const auto size = static_cast<std::size_t>(address.size);
      if (address.storage.ss_family != AF_UNIX || size <= before_path) return endpoint::unix_path({});
      const auto local = read_as<sockaddr_un>(address);
      return endpoint::unix_path({local.sun_path, strnlen(local.sun_path, size - before_path)});
    }
  }
}

}  // namespace switchboard::net
