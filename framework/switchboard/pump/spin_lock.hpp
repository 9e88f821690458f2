#pragma once

/// A lock for sections of a few instructions, as in a job queue.
///
/// Why        uncontended it costs one exchange, half of a std::mutex, and it is taken twice per job.
/// Threads    any; gives the processor away when the holder seems to have lost it.

#include <atomic>
#include <thread>

namespace switchboard {

class spin_lock {
public:
  void lock() noexcept {
    if (taken_.exchange(true, std::memory_order_acquire)) [[unlikely]]
      lock_contended();
  }

  void unlock() noexcept { taken_.store(false, std::memory_order_release); }

private:
  static constexpr int looks_before_yield = 64;

  void lock_contended() noexcept {
    int looks = 0;
    do {
      while (taken_.load(std::memory_order_relaxed)) {
        if (++looks == looks_before_yield) {
          looks = 0;
          std::this_thread::yield();
        }
      }
    } while (taken_.exchange(true, std::memory_order_acquire));
  }

  std::atomic<bool> taken_{false};
};

}  // namespace switchboard
