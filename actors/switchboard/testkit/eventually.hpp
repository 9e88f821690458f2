#pragma once

/// Waits for something that other threads bring about, with a deadline and without sleeping through it.
/// Threads    any.

#include <chrono>
#include <thread>

namespace switchboard::testkit {

/// Asks `holds()` until it says yes or the patience is over; gives the processor away in between. Whether it held.
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
