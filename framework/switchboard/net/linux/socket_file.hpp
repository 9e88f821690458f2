#pragma once

/// The file under which a Unix socket is reached: made by bind(2), left in place by a process that dies, removed by one
/// that ends.
///
/// Why        a stale file must not keep a server from starting, and a starting or ending one must not take away what
///            belongs to another. Both decide and act while holding a lock on the folder, so two servers starting
///            together agree.
/// Threads    one at a time.
/// Owns       the file, as long as the name still leads to the inode that was bound.
/// Errors     address_in_use: a listener is alive there, the file is no socket, or the folder's lock cannot be taken.

#include <string>

#include <sys/types.h>

#include <switchboard/error/error_or.hpp>
#include <switchboard/net/socket_address.hpp>

namespace switchboard::net {

class socket_file {
public:
  socket_file() = default;
  socket_file(socket_file&& other) noexcept;
  socket_file& operator=(socket_file&& other) noexcept;
  /// Removes the file if it is still ours. Must come before the bound socket is closed: that socket holds on to the
  /// inode, so no other file can have its number meanwhile.
  ~socket_file();

  /// Binds `socket` to `address`, which says `path`, in place of a stale file if need be, and listens.
  static error_or<socket_file> bind_and_listen(int socket, const socket_address& address, std::string path);

private:
  socket_file(std::string path, dev_t device, ino_t inode) : path_(std::move(path)), device_(device), inode_(inode) {}
  void remove() noexcept;

  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace switchboard::net
