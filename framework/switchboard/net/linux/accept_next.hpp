#pragma once

/// The next connection that waits at a listening socket, for the listener and for a port that accepts on its behalf.
/// Threads    any.
/// Errors     the system's; connections that ended in the backlog are passed over. would-block is EAGAIN.

#include <switchboard/net/descriptor.hpp>
#include <switchboard/net/socket_address.hpp>

namespace switchboard::net {

struct accepted_socket {
  descriptor socket;  ///< non-blocking, close-on-exec; none where `error` is set
  int error = 0;      ///< a value of errno
};

bool is_listening(int socket) noexcept;

/// Writes the other side's address to `peer`, unless it is null.
accepted_socket accept_next(int listener, socket_address* peer) noexcept;

}  // namespace switchboard::net
