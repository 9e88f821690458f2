#pragma once

/// A stream's source that one actor feeds and another draws from: how the first wakes the second, and ends the stream.
///
/// Wakes      a flag says whether a wake is pending. The feeding side publishes, then sets it, and wakes the reader if it was
///            clear; the reader clears it, and only then looks. Both are read-modify-writes of the one flag, so one of the
///            two always sees the other: no wake is lost, and a reader that does not come costs no second one.
/// Threads    notify and end: the feeding side. The rest: the connection.
/// Owns       the status that the stream was ended with.

#include <atomic>
#include <utility>

#include <switchboard/rpc/source.hpp>

namespace switchboard::rooms {

class woken_source : public rpc::source {
public:
  /// There is something new; @pre it is published.
  void notify(caf::execution_unit* context) {
    if (!wake_pending_.exchange(true, std::memory_order_seq_cst)) wake(context);
  }
  /// Ends the stream now, whatever has not been read.
  void end(rpc::status why, caf::execution_unit* context) {
    if (is_ended_.load(std::memory_order_relaxed)) return;
    end_status_ = std::move(why);
    is_ended_.store(true, std::memory_order_seq_cst);
    // Also to a reader that has a wake pending: without credit it has no reason to look. One that attaches only now asks
    // ended() afterwards.
    if (attached_.load(std::memory_order_seq_cst)) wake(context);
  }

  void attach(rpc::waker connection) override {
    waker_ = std::move(connection);
    attached_.store(true, std::memory_order_seq_cst);
  }

protected:
  /// Takes the wake that is pending: what is published from now on wakes again. Look only afterwards.
  void clear_wake() noexcept { wake_pending_.exchange(false, std::memory_order_seq_cst); }
  /// Whether end() was called. A connection that has attached does not miss an end that did not see it attached.
  bool was_ended() const noexcept { return is_ended_.load(std::memory_order_seq_cst); }
  /// @pre was_ended()
  const rpc::status& end_status() const noexcept { return end_status_; }

private:
  virtual void wake(caf::execution_unit* context) { waker_.wake(context); }

  std::atomic<bool> wake_pending_{true};  ///< the connection looks unasked the first time
  std::atomic<bool> is_ended_{false};
  std::atomic<bool> attached_{false};
  rpc::waker waker_;
  rpc::status end_status_;
};

}  // namespace switchboard::rooms
