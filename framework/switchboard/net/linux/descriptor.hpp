#pragma once

/// A file descriptor and the duty to close it.
/// Threads    one at a time.
/// Owns       the descriptor.
/// Errors     system_error_code() names what errno said, with our own names where we have one.

#include <system_error>
#include <utility>

#include <switchboard/net/socket_handle.hpp>

namespace switchboard::net {

class descriptor {
public:
  descriptor() = default;
  explicit descriptor(int number) noexcept : number_(number) {}
  descriptor(descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    if (this != &other) reset(std::exchange(other.number_, -1));
    return *this;
  }
  ~descriptor() { reset(); }

  int get() const noexcept { return number_; }
  socket_handle handle() const noexcept { return static_cast<socket_handle>(number_); }
  explicit operator bool() const noexcept { return number_ >= 0; }
  void reset(int number = -1) noexcept;
  /// Gives the duty to close it to the caller.
  int release() noexcept { return std::exchange(number_, -1); }

private:
  int number_ = -1;
};

/// What `number`, a value of errno, is called here.
std::error_code system_error_code(int number) noexcept;

}  // namespace switchboard::net
