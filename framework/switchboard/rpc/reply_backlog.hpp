#pragma once

/// How many bytes of replies a connection has been given and not yet written, for the services that make them.
///
/// Why        a client that asks and does not read must not make a service answer without end: a host holds such a
///            client's calls back until its connection has written enough. Other clients' calls go on.
/// Threads    any.
/// Owns       handles of the hosts that wait, until they are taken.

#include <atomic>
#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

#include <caf/actor_control_block.hpp>
#include <caf/allowed_unsafe_message_type.hpp>

namespace switchboard::rpc {

/// To a service host: a connection whose calls it holds back takes replies again.
struct resume_calls {
  std::uint64_t caller;
};

class reply_backlog {
public:
  /// Calls are held back above `limit` bytes.
  explicit reply_backlog(std::size_t limit) noexcept : limit_(limit) {}

  bool full() const noexcept { return !closed_.load() && travelling_.load() + queued_.load() > limit_; }

  /// Replies left their service.
  void sent(std::size_t bytes) noexcept { travelling_.fetch_add(bytes); }
  std::size_t travelling() const noexcept { return travelling_.load(std::memory_order_relaxed); }
  /// They arrived at the connection.
  void arrived(std::size_t bytes) noexcept { travelling_.fetch_sub(bytes); }
  /// What the connection has still to write.
  void queued(std::size_t bytes) noexcept { queued_.store(bytes); }
  /// The connection takes no more: nothing is held back.
  void close() noexcept { closed_.store(true); }
  bool closed() const noexcept { return closed_.load(); }

  /// Notifies `host` when replies are taken again. False where they are already.
  bool wait(caf::strong_actor_ptr host) {
    const std::lock_guard lock{mutex_};
    waiting_.push_back(std::move(host));
    // Announced first and looked at again only then, while the connection stores first and looks for waiters then: with
    // both in one total order, one of the two sees the other.
    any_waiting_.store(true);
    if (full()) return true;
    waiting_.pop_back();
    any_waiting_.store(!waiting_.empty());
    return false;
  }
  /// Whether there may be hosts to notify, which wait although full() no longer holds.
  bool may_resume() const noexcept { return any_waiting_.load() && !full(); }
  /// Those, for the connection.
  std::vector<caf::strong_actor_ptr> take_waiting() {
    if (!may_resume()) return {};
    const std::lock_guard lock{mutex_};
    any_waiting_.store(false);
    return std::exchange(waiting_, {});
  }

private:
  const std::size_t limit_;
  std::atomic<std::size_t> travelling_{0};
  std::atomic<std::size_t> queued_{0};
  std::atomic<bool> closed_{false};
  std::atomic<bool> any_waiting_{false};
  std::mutex mutex_;
  std::vector<caf::strong_actor_ptr> waiting_;
};

}  // namespace switchboard::rpc

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::rpc::resume_calls)
