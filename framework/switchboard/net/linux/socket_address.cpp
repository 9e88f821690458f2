#include "socket_address.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <switchboard/error/errc.hpp>

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
  switch (code) {
    case EAI_SYSTEM:
      return {system_error, std::system_category()};
    case EAI_MEMORY:
      return std::make_error_code(std::errc::not_enough_memory);
    default:
      return errc::unresolved_host;
  }
}

template <class Address>
Address read_as(const socket_address& from) {
  Address result;
  std::memcpy(&result, &from.storage, sizeof result);
  return result;
}

std::string with_scope(std::string host, const sockaddr_in6& address) {
  if (address.sin6_scope_id == 0) return host;
  std::array<char, IF_NAMESIZE> name{};
  return host + '%' +
         (if_indextoname(address.sin6_scope_id, name.data()) ? name.data() : std::to_string(address.sin6_scope_id));
}

}  // namespace

error_or<std::vector<socket_address>> resolve(const endpoint& where, resolve_for purpose) {
  if (where.kind() == endpoint::family::local) {
    auto address = unix_address(where.path());
    if (!address) return address.error();
    return std::vector{*address};
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | (purpose == resolve_for::listening ? AI_PASSIVE : 0);
  addrinfo* found = nullptr;
  if (const int code = getaddrinfo(where.host().c_str(), std::to_string(where.port()).c_str(), &hints, &found))
    return resolver_error(code, errno);
  std::vector<socket_address> result;
  for (const auto* each = found; each != nullptr; each = each->ai_next) {
    auto& address = result.emplace_back();
    std::memcpy(&address.storage, each->ai_addr, each->ai_addrlen);
    address.size = each->ai_addrlen;
  }
  freeaddrinfo(found);
  if (result.empty()) return errc::unresolved_host;
  return result;
}

endpoint to_endpoint(const socket_address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  switch (address.storage.ss_family) {
    case AF_INET: {
      const auto v4 = read_as<sockaddr_in>(address);
      inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
      return endpoint::tcp(text.data(), ntohs(v4.sin_port));
    }
    case AF_INET6: {
      const auto v6 = read_as<sockaddr_in6>(address);
      inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
      return endpoint::tcp(with_scope(text.data(), v6), ntohs(v6.sin6_port));
    }
    default: {
      // The kernel tells the length of a path, which need not end with NUL; a peer that never bound has none (unix(7)).
      constexpr auto before_path = offsetof(sockaddr_un, sun_path);
      if (address.storage.ss_family != AF_UNIX || address.size <= before_path) return endpoint::unix_path({});
      const auto local = read_as<sockaddr_un>(address);
      return endpoint::unix_path({local.sun_path, strnlen(local.sun_path, address.size - before_path)});
    }
  }
}

}  // namespace switchboard::net
