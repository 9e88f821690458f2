#pragma once

/// A socket's number (on POSIX any file descriptor) and the duty to close it.
/// Threads    one at a time.
/// Owns       the socket.

#include <utility>

#include <switchboard/net/socket_handle.hpp>
#include <switchboard/net/socket_headers.hpp>

namespace switchboard::net {

class descriptor {
public:
  descriptor() = default;
  explicit descriptor(socket_number number) noexcept : number_(number) {}
  explicit descriptor(socket_handle handle) noexcept : number_(static_cast<socket_number>(handle)) {}
  descriptor(descriptor&& other) noexcept : number_(other.release()) {}
  descriptor& operator=(descriptor&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  ~descriptor() { reset(); }

  socket_number get() const noexcept { return number_; }
  socket_handle handle() const noexcept { return static_cast<socket_handle>(number_); }
  explicit operator bool() const noexcept { return number_ != no_socket; }
  void reset(socket_number number = no_socket) noexcept;
  /// Gives the duty to close it to the caller.
  socket_number release() noexcept { return std::exchange(number_, no_socket); }

private:
  socket_number number_ = no_socket;
};

}  // namespace switchboard::net
