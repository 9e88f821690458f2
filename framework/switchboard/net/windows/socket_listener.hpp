#pragma once

/// Winsock's listener, TCP or, where the system has AF_UNIX, Unix.

#include <switchboard/net/descriptor.hpp>
#include <switchboard/net/listener.hpp>

namespace switchboard::net {

class socket_listener final : public listener {
public:
  socket_listener(descriptor socket, endpoint local) noexcept : socket_(std::move(socket)), local_(std::move(local)) {}
  /// A Unix socket's file goes first. One that a process left when it died is not replaced here: that needs the lock that
  /// Linux has on folders.
  ~socket_listener() override;

  socket_handle handle() const noexcept override { return socket_.handle(); }
  const endpoint& local() const noexcept override { return local_; }
  error_or<std::unique_ptr<transport>> accept() noexcept override;
  /// Handles are bounded by memory here, so that no spare one would help.
  bool refuse(void (*say_goodbye)(transport&)) noexcept override;

private:
  descriptor socket_;
  endpoint local_;
};

}  // namespace switchboard::net
