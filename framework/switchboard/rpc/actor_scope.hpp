#pragma once

/// The actor whose handler runs on this thread, for streams that are opened in it and for calls made on its behalf.
///
/// Threads    thread-local; scopes nest.
/// Owns       nothing.

#include <memory>
#include <vector>

#include <caf/fwd.hpp>

#include <switchboard/rpc/call.hpp>
#include <switchboard/rpc/stream_end.hpp>

namespace switchboard::rpc {

class actor_scope {
public:
  /// `ends` keeps account of the streams opened in this scope; may be null. Answers given inside travel together.
  explicit actor_scope(caf::local_actor* self, std::vector<std::weak_ptr<stream_end>>* ends = nullptr) noexcept;
  ~actor_scope();
  actor_scope(const actor_scope&) = delete;
  actor_scope& operator=(const actor_scope&) = delete;

  /// The innermost one of this thread; null outside of handlers.
  static actor_scope* current() noexcept;

  caf::local_actor* self() const noexcept { return self_; }
  answer_collector& answers() noexcept { return answers_; }
  caf::execution_unit* context() const noexcept;
  void opened(const std::shared_ptr<stream_end>& end);

private:
  static constexpr std::size_t swept_from = 64;

  caf::local_actor* const self_;
  std::vector<std::weak_ptr<stream_end>>* const ends_;
  actor_scope* const outer_;
  answer_collector answers_;
};

/// The execution unit of the handler that runs on this thread; null outside.
caf::execution_unit* current_context() noexcept;

/// When the call whose handler runs on this thread is to be answered, which calls made meanwhile inherit;
/// time_point::max() where there is none.
time_point current_deadline() noexcept;

/// Makes `deadline` the current one while it exists.
class deadline_scope {
public:
  explicit deadline_scope(time_point deadline) noexcept;
  ~deadline_scope();
  deadline_scope(const deadline_scope&) = delete;
  deadline_scope& operator=(const deadline_scope&) = delete;

private:
  const time_point outer_;
};

}  // namespace switchboard::rpc
