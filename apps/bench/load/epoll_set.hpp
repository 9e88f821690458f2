#pragma once

/// A load client's epoll set: level-triggered, one owner a descriptor.
///
/// Threads    one.
/// Owns       the set, and the events of the last wait.
/// Errors     std::runtime_error.

#include <array>
#include <chrono>
#include <span>

#include <sys/epoll.h>

namespace switchboard::bench {

class epoll_set {
public:
  epoll_set();
  ~epoll_set();
  epoll_set(const epoll_set&) = delete;
  epoll_set& operator=(const epoll_set&) = delete;

  int descriptor() const noexcept { return descriptor_; }
  /// What happens first of all that is watched; empty where nothing does for `timeout`, which is exact to the timer, not
  /// rounded to milliseconds.
  std::span<const epoll_event> wait(std::chrono::nanoseconds timeout);

private:
  static constexpr int events_per_wait = 128;

  int descriptor_;
  std::array<epoll_event, events_per_wait> events_;
};

}  // namespace switchboard::bench
