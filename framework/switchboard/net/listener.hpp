#pragma once

/// Accepts connections at one endpoint.
///
/// Threads    one at a time: the acceptor that owns it.
/// Owns       the listening socket, a spare descriptor, and the file of a unix: endpoint; all go with the destructor.
/// Errors     accept() says out_of_descriptors by name. The pending connection then stays in the backlog and keeps the
///            listener readable, so a caller refuses it (which uses the spare descriptor) or waits; it must not just
///            re-arm.

#include <memory>

#include <switchboard/error/error_or.hpp>
#include <switchboard/net/transport.hpp>

namespace switchboard::net {

class listener {
public:
  virtual ~listener() = default;

  virtual socket_handle handle() const noexcept = 0;
  /// Where it listens: with the actual port where 0 was asked for.
  virtual const endpoint& local() const noexcept = 0;
  /// The next connection, non-blocking; nullptr when none waits; errors of a connection that ended before it was
  /// accepted are skipped.
  virtual error_or<std::unique_ptr<transport>> accept() noexcept = 0;
  /// After out_of_descriptors: takes the next connection with the spare descriptor, hands it to `say_goodbye` (which may
  /// write a status to it), and closes it. False when none waited.
  virtual bool refuse(void (*say_goodbye)(transport&)) noexcept = 0;
};

}  // namespace switchboard::net
