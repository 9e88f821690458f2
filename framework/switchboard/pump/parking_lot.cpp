#include <algorithm>

#include <switchboard/error/invariant.hpp>
#include <switchboard/pump/parking_lot.hpp>

namespace switchboard {

parking_lot::role parking_lot::park(std::size_t threads, bool has_worked) noexcept {
  auto word = word_.load(std::memory_order_relaxed);
  for (;;) {
    const auto others_run = parked_of(word) + 1 < threads;
    const auto watches = watches_of(word);
    auto assigned = watches == 0 ? role::timekeeper : role::sleeper;
    if (threads > 1 && ((watches == 0 && others_run) || (watches < 2 && has_worked))) assigned = role::watch;
    const auto next = word + parked + (assigned == role::watch ? watch : 0);
    if (word_.compare_exchange_weak(word, next, std::memory_order_seq_cst, std::memory_order_relaxed)) return assigned;
  }
}

parking_lot::duration parking_lot::patience(role held) noexcept {
  const auto nearest = deadlines_.nearest();
  if (held == role::watch) {
    const auto now = port_.now();
    const auto until = std::min(nearest, now + watch_period);
    watched_until_.store(until.time_since_epoch().count(), std::memory_order_relaxed);
    return std::max(until - now, duration::zero());
  }
  if (nearest == deadline_wheel::none()) return notify::notification_port::infinite;
  // The watch looks at the deadlines when it wakes; another thread has to wake only for earlier ones.
  if (held == role::sleeper && nearest.time_since_epoch().count() >= watched_until_.load(std::memory_order_relaxed))
    return notify::notification_port::infinite;
  return std::max(nearest - port_.now(), duration::zero());
}

bool parking_lot::post(std::uint64_t key) noexcept {
  // Lack of memory is transient (N12, N17).
  constexpr int max_tries = 10;
  std::error_code failed;
  for (int tries = 0; tries != max_tries; ++tries) {
    failed = port_.post(key, 0);
    if (!failed) return true;
  }
  SWITCHBOARD_INVARIANT(!failed, "the pump cannot post to its port: a lost wake-up is a hang (N44)");
  return false;
}

}  // namespace switchboard
