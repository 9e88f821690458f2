#pragma once

/// Waits, with a deadline, for something that other threads cause; polls instead of sleeping.
/// Threads    any.

#include <chrono>
#include <thread>

namespace switchboard::testkit {

/// Polls `holds()` until it returns true or the patience is over, and yields the processor in between. Whether it held.
template <class Predicate>
[[nodiscard]] bool eventually(Predicate&& holds,
                              std::chrono::steady_clock::duration patience = std::chrono::seconds{10}) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace switchboard::testkit
