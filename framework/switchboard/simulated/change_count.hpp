#pragma once

/// Counts changes, so that a thread can wait for the next: it reads the count, looks at what may have changed, and waits for
/// the count to move.
///
/// Why        not std::atomic::wait(): that of libstdc++ 12 may sleep through the notification where the system has no futex
///            (its _M_do_wait compares before it takes the lock it sleeps with), which is so on Windows.
/// Threads    any.

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace switchboard::simulated {

class change_count {
public:
  std::uint32_t read() const noexcept {
    const std::scoped_lock hold(lock_);
    return count_;
  }
  /// Returns once the count is another than `since`.
  void await(std::uint32_t since) const noexcept {
    std::unique_lock hold(lock_);
    moved_.wait(hold, [&] { return count_ != since; });
  }
  void advance() noexcept {
    {
      const std::scoped_lock hold(lock_);
      ++count_;
    }
    moved_.notify_all();
  }

private:
  mutable std::mutex lock_;
  mutable std::condition_variable moved_;
  std::uint32_t count_ = 0;
};

}  // namespace switchboard::simulated
