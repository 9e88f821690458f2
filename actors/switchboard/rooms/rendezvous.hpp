#pragma once

/// Where an answer that may come at once or later, on any thread, meets the caller that asked for it: of the two, the one
/// that comes second acts on the answer.
/// Threads    answer(): one. All else: the caller's.
/// Owns       the answer.

#include <atomic>
#include <utility>

namespace switchboard::rooms {

template <class Answer>
class rendezvous {
public:
  /// The answer is here. Whether the caller has gone on without it, and has to be notified.
  bool answer(Answer given) {
    answer_ = std::move(given);
    answered_.store(true, std::memory_order_release);
    return second_.exchange(true, std::memory_order_acq_rel);
  }
  /// The caller goes on, after it has looked for the answer or before it does.
  void go_on() noexcept { second_.exchange(true, std::memory_order_acq_rel); }
  bool answered() const noexcept { return answered_.load(std::memory_order_acquire); }
  /// @pre answered()
  Answer take() { return std::move(answer_); }

private:
  std::atomic<bool> answered_{false};
  std::atomic<bool> second_{false};
  Answer answer_{};
};

}  // namespace switchboard::rooms
