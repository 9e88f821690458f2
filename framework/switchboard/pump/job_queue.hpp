#pragma once

/// Actors that wait for a worker, first come first served.
///
/// Threads    any; the owning worker and thieves alike take from the front, so a job never waits for later ones.
/// Owns       nothing: CAF counts a reference for every queued job.
/// Bound      one entry per actor, because an actor is queued only once; so the ring grows as far as actors are
///            spawned.

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>

#include <caf/fwd.hpp>

#include <switchboard/pump/spin_lock.hpp>

namespace switchboard {

class job_queue {
public:
  using job = caf::resumable*;

  /// Returns how many jobs are then queued.
  std::size_t push(job queued) {
    const std::lock_guard guard(lock_);
    const auto held = size_.load(std::memory_order_relaxed);
    if (held == capacity_) grow();
    ring_[(front_ + held) & (capacity_ - 1)] = queued;
    // seq_cst: the pusher looks for parked threads next, and a thread looked here after it had announced that it parks;
    // one of them sees the other. It costs a fence, so a lone job goes without: none is woken for it (parking_lot.hpp).
    size_.store(held + 1, held == 0 && !shared_ ? std::memory_order_relaxed : std::memory_order_seq_cst);
    return held + 1;
  }

  /// The first job, if at least `least` are there.
  job pop(std::size_t least = 1) noexcept {
    if (size() < least) return nullptr;
    const std::lock_guard guard(lock_);
    const auto held = size_.load(std::memory_order_relaxed);
    if (held < least) return nullptr;
    const auto taken = ring_[front_];
    front_ = (front_ + 1) & (capacity_ - 1);
    size_.store(held - 1, std::memory_order_relaxed);
    return taken;
  }

  std::size_t size() const noexcept { return size_.load(std::memory_order_seq_cst); }

  enum class use { own, shared };
  /// A shared queue's first job wakes a worker, so its arrival is never published lazily.
  explicit job_queue(use as = use::own) noexcept : shared_(as == use::shared) {}

private:
  static constexpr std::size_t first_capacity = 256;

  void grow() {
    const auto larger = capacity_ == 0 ? first_capacity : capacity_ * 2;
    auto ring = std::make_unique<job[]>(larger);
    for (std::size_t each = 0; each != capacity_; ++each) ring[each] = ring_[(front_ + each) & (capacity_ - 1)];
    ring_ = std::move(ring);
    front_ = 0;
    capacity_ = larger;
  }

  spin_lock lock_;
  const bool shared_;
  std::unique_ptr<job[]> ring_;
  std::size_t capacity_ = 0;  // a power of two
  std::size_t front_ = 0;
  std::atomic<std::size_t> size_{0};
};

}  // namespace switchboard
