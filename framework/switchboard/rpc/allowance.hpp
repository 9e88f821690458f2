#pragma once

/// The memory that one connection may have its server hold, as the services see it that answer its calls.
///
/// Why        before a call runs, the connection reserves the most that its method says an answer takes
///            (method::answer_bytes_max); without room the call waits there. A larger answer tops that up here when it is
///            made: a client that asks and does not read must not make a service answer without end. Once all is used up,
///            a host holds further calls of that client back until its connection has written enough. Other clients' calls
///            go on.
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

/// To a service host: a connection whose calls it holds back takes answers again.
struct resume_calls {
  std::uint64_t caller;
};

class allowance {
public:
  /// @param max  bytes
  explicit allowance(std::size_t max) noexcept : max_(max) {}

  bool used_up() const noexcept { return !closed_.load() && travelling_.load() + output_.load() > max_; }

  /// Answers left their service.
  void sent(std::size_t bytes) noexcept { travelling_.fetch_add(bytes); }
  std::size_t travelling() const noexcept { return travelling_.load(std::memory_order_relaxed); }
  /// They arrived at the connection.
  void arrived(std::size_t bytes) noexcept { travelling_.fetch_sub(bytes); }
  /// What the connection has still to write.
  void output(std::size_t bytes) noexcept {
    // Most turns leave nothing, as those before them did.
    if (output_.load(std::memory_order_relaxed) != bytes) output_.store(bytes);
  }
  /// The connection takes no more: nothing is held back.
  void close() noexcept { closed_.store(true); }
  bool closed() const noexcept { return closed_.load(); }

  /// Notifies `host` when answers are taken again. False where they are already.
  bool wait(caf::strong_actor_ptr host) {
    const std::lock_guard lock{mutex_};
    waiting_.push_back(std::move(host));
    // Announced first and looked at again only then, while the connection stores first and looks for waiters then: with
    // both in one total order, one of the two sees the other.
    any_waiting_.store(true);
    if (used_up()) return true;
    waiting_.pop_back();
    any_waiting_.store(!waiting_.empty());
    return false;
  }
  /// Whether there may be hosts to notify, which wait although used_up() no longer holds.
  bool may_resume() const noexcept { return any_waiting_.load() && !used_up(); }
  /// Those, for the connection.
  std::vector<caf::strong_actor_ptr> take_waiting() {
    if (!may_resume()) return {};
    const std::lock_guard lock{mutex_};
    any_waiting_.store(false);
    return std::exchange(waiting_, {});
  }

private:
  const std::size_t max_;
  std::atomic<std::size_t> travelling_{0};
  std::atomic<std::size_t> output_{0};
  std::atomic<bool> closed_{false};
  std::atomic<bool> any_waiting_{false};
  std::mutex mutex_;
  std::vector<caf::strong_actor_ptr> waiting_;
};

}  // namespace switchboard::rpc

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::rpc::resume_calls)
