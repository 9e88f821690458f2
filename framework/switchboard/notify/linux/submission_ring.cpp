#include "submission_ring.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <mutex>

#include <switchboard/notify/notification_port.hpp>

namespace switchboard::notify {
namespace {

/// Held while a ring comes and while one goes: the next may be where one was. liburing asks the kernel without the C
/// library, so that a thread sanitizer does not see memory come and go, and takes both rings' for one.
std::mutex rings_come_and_go;

}  // namespace

submission_ring::~submission_ring() {
  const std::lock_guard alone{rings_come_and_go};
  if (is_open_) io_uring_queue_exit(&ring_);
}

std::error_code submission_ring::open() noexcept {
  io_uring_params wanted{};
  wanted.flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
  wanted.cq_entries = completion_room;
  const std::lock_guard alone{rings_come_and_go};
  if (const int failure = io_uring_queue_init_params(request_room, &ring_, &wanted); failure != 0)
    return {-failure, std::system_category()};
  is_open_ = true;
  // Came with Linux 6.0, as did what has no flag of its own: an accept that waits at a non-blocking listener, and
  // cancelling by descriptor.
  constexpr unsigned needed = IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG | IORING_FEAT_CQE_SKIP | IORING_FEAT_LINKED_FILE;
  if ((wanted.features & needed) != needed) return std::make_error_code(std::errc::function_not_supported);
  return {};
}

unsigned submission_ring::room() const noexcept {
  return ring_.sq.ring_entries - (ring_.sq.sqe_tail - io_uring_smp_load_acquire(ring_.sq.khead));
}

io_uring_sqe& submission_ring::next_request() noexcept {
  const unsigned index = ring_.sq.sqe_tail++ & ring_.sq.ring_mask;
  // liburing from 2.6 on asks for rings without an index array (IORING_SETUP_NO_SQARRAY), where the kernel has them: there a
  // request's place is its index.
  if (ring_.sq.array != nullptr) ring_.sq.array[index] = index;
  return ring_.sq.sqes[index] = {};
}

unsigned submission_ring::publish() noexcept {
  io_uring_smp_store_release(ring_.sq.ktail, ring_.sq.sqe_tail);
  return ring_.sq.sqe_tail - io_uring_smp_load_acquire(ring_.sq.khead);
}

bool submission_ring::has_completions() const noexcept {
  return io_uring_smp_load_acquire(ring_.cq.ktail) != *ring_.cq.khead;
}

std::size_t submission_ring::take(std::span<io_uring_cqe> into) noexcept {
  const unsigned head = *ring_.cq.khead;
  const unsigned waiting = io_uring_smp_load_acquire(ring_.cq.ktail) - head;
  const auto count = std::min<std::size_t>(waiting, into.size());
  for (unsigned i = 0; i < count; ++i) into[i] = ring_.cq.cqes[(head + i) & ring_.cq.ring_mask];
  io_uring_smp_store_release(ring_.cq.khead, head + static_cast<unsigned>(count));
  return count;
}

int submission_ring::enter(unsigned count, bool waits, std::chrono::steady_clock::duration timeout) noexcept {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(timeout);
  __kernel_timespec patience{.tv_sec = seconds.count(), .tv_nsec = std::chrono::nanoseconds(timeout - seconds).count()};
  io_uring_getevents_arg wait{};
  wait.sigmask_sz = _NSIG / 8;
  if (timeout != notification_port::infinite) wait.ts = reinterpret_cast<std::uintptr_t>(&patience);
  // GETEVENTS also where it does not wait: it runs what this thread's polls have left to do, and fetches completions
  // that the ring had no room for.
  return io_uring_enter2(static_cast<unsigned>(ring_.ring_fd), count, waits ? 1 : 0,
                         IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, reinterpret_cast<sigset_t*>(&wait),
                         sizeof wait);
}

}  // namespace switchboard::notify
