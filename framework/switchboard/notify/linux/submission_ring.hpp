#pragma once

/// An io_uring(7) that several threads submit to, reap from and sleep at.
///
/// Why        liburing's submitting functions belong to one thread. Here requests are written and completions taken with
///            a lock of the owner's held, while enter() runs without it, so that a thread can sleep in the kernel and
///            others go on; one system call still submits and waits.
/// Threads    enter() from any; everything else with the owner's lock held.
/// Owns       the ring and its memory.
/// Errors     of open(): returned. enter() returns what the system call does, an error as its negated number.

#include <chrono>
#include <span>

#include <liburing.h>

#include <switchboard/error/errc.hpp>

namespace switchboard::notify {

class submission_ring {
public:
  static constexpr unsigned request_room = 1024;
  /// Completions beyond these wait in the kernel (IORING_FEAT_NODROP).
  static constexpr unsigned completion_room = 8192;

  submission_ring() = default;
  ~submission_ring();
  submission_ring(const submission_ring&) = delete;
  submission_ring& operator=(const submission_ring&) = delete;

  std::error_code open() noexcept;

  unsigned room() const noexcept;
  /// The next request, all zero; room() must not be 0.
  io_uring_sqe& next_request() noexcept;
  /// Shows the kernel what was written; returns how many requests it has not taken yet.
  unsigned publish() noexcept;

  bool has_completions() const noexcept;
  /// Takes up to as many completions as fit; returns how many.
  std::size_t take(std::span<io_uring_cqe> into) noexcept;

  /// Submits up to `count` published requests, then waits for a completion or the timeout where `waits`. Where another
  /// thread has submitted them meanwhile, it does not wait.
  int enter(unsigned count, bool waits, std::chrono::steady_clock::duration timeout) noexcept;

private:
  io_uring ring_{};
  bool is_open_ = false;
};

}  // namespace switchboard::notify
