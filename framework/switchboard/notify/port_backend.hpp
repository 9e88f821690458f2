#pragma once

/// The notification ports this system has, by the names that programs take (--port NAME).
/// Threads    any.
/// Errors     make() fails where the running kernel lacks the backend, or forbids it; `needs` says what it takes.

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <switchboard/notify/notification_port.hpp>

namespace switchboard::notify {

struct port_backend {
  std::string_view name;
  std::string_view needs;
  error_or<std::unique_ptr<notification_port>> (*make)() noexcept;

  /// The first is the default.
  static std::span<const port_backend> all() noexcept;
  static const port_backend* find(std::string_view name) noexcept;
  /// "epoll or io_uring"
  static std::string names();
};

}  // namespace switchboard::notify
