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
/// TCP_NODELAY, with keepalive. On Linux they have a small TCP_NOTSENT_LOWAT besides, and never raise SIGPIPE; Windows
/// counts its probes as it likes. unix: endpoints need a system with AF_UNIX
/// (std::errc::address_family_not_supported).
///
/// A peer that is gone is found, as std::errc::timed_out, by
///   keepalive          30 s after the last segment, then 3 probes of 10 s; only where all that was sent is acknowledged
///   TCP_USER_TIMEOUT   60 s after what is not, on connections that this side makes; a peer that is alive and leaves no
///                      room for 60 s is given up too, since the option counts that time
///   retransmission     about 15 minutes (net.ipv4.tcp_retries2) on accepted ones, and longer where the peer has left no
///                      room; transport::unanswered_for() knows sooner, and does not take a slow peer for gone
network& system_network() noexcept;

}  // namespace switchboard::net
