#pragma once

/// Endpoints as the kernel wants them, and back.
/// Threads    any.
/// Errors     unresolved_host, invalid_endpoint (a path longer than sun_path); else the system's.
/// Blocking   resolve() asks the system's resolver for names.

#include <vector>

#include <switchboard/error/error_or.hpp>
#include <switchboard/net/endpoint.hpp>
#include <switchboard/net/socket_headers.hpp>

namespace switchboard::net {

struct socket_address {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);

  sockaddr* data() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* data() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
};

enum class resolve_for : unsigned char { listening, connecting, datagrams };

/// All addresses of `where`, in the order to try them; never empty.
error_or<std::vector<socket_address>> resolve(const endpoint& where, resolve_for purpose);
endpoint to_endpoint(const socket_address& address);

}  // namespace switchboard::net
