#pragma once

/// Where connections and datagrams come from: the operating system's network, or a simulated one.
///
/// Threads    any.
/// Owns       nothing; what it makes belongs to the caller.
/// Errors     address_in_use, unresolved_host, out_of_descriptors by name; else the system's.
/// Blocking   names are looked up with the system's resolver, which may take long: not on a worker.

#include <memory>

#include <switchboard/error/error_or.hpp>
#include <switchboard/net/datagram_socket.hpp>
#include <switchboard/net/listener.hpp>
#include <switchboard/net/transport.hpp>

namespace switchboard::net {

class network {
public:
  virtual ~network() = default;

  /// Binds and listens. A unix: endpoint replaces a stale file and never one whose listener is alive
  /// (address_in_use).
  virtual error_or<std::unique_ptr<listener>> listen(const endpoint& at) = 0;
  /// Starts a connection; it is made when the socket becomes writable (N25), pending_error() then says how it went.
  virtual error_or<std::unique_ptr<transport>> connect(const endpoint& to) = 0;
  /// A connection that a notification port accepted (N54). Owns `accepted` from then on, also where it fails, as it does
  /// when the other side has gone already.
  virtual error_or<std::unique_ptr<transport>> adopt(socket_handle accepted) = 0;
  /// A socket for datagrams of the family of `like`, bound to nothing yet.
  virtual error_or<std::unique_ptr<datagram_socket>> open_datagrams(const endpoint& like) = 0;
};

/// The operating system's. Accepted and connected TCP sockets are non-blocking, not inherited by child processes,
/// TCP_NODELAY, with keepalive after 30 s (3 probes of 10 s) and a 60 s limit on unacknowledged data. On Linux they have a
/// small TCP_NOTSENT_LOWAT besides, and never raise SIGPIPE; Windows counts its probes as it likes. unix: endpoints need
/// a system with AF_UNIX (std::errc::address_family_not_supported).
network& system_network() noexcept;

}  // namespace switchboard::net
