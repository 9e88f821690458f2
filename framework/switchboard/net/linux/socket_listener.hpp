#pragma once

/// The operating system's listener, TCP or Unix.

#include "socket_file.hpp"

#include <switchboard/net/descriptor.hpp>
#include <switchboard/net/listener.hpp>

namespace switchboard::net {

class socket_listener final : public listener {
public:
  socket_listener(descriptor socket, socket_file file, descriptor spare, endpoint local) noexcept;

  socket_handle handle() const noexcept override { return socket_.handle(); }
  const endpoint& local() const noexcept override { return local_; }
  error_or<std::unique_ptr<transport>> accept() noexcept override;
  bool refuse(void (*say_goodbye)(transport&)) noexcept override;

private:
  // In this order: the file goes before the socket that pins its inode.
  descriptor socket_;
  socket_file file_;
  descriptor spare_;
  endpoint local_;
};

}  // namespace switchboard::net
