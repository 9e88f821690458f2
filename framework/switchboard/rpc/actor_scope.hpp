#pragma once

/// The actor whose handler runs on this thread, for streams that are opened in it; and the call that it handles, for
/// calls made on that one's behalf, which inherit its deadline and carry on its trace context.
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

/// What calls that are made on a thread inherit.
struct inheritance {
  time_point deadline = time_point::max();
  std::shared_ptr<const metadata> of_call{};  ///< what the call that is handled keeps of its request's metadata
  const metadata* own = nullptr;              ///< a metadata_scope's
};

/// When calls that are made now on this thread are to be answered: the deadline of the call that is handled, or that of
/// a deadline_scope; time_point::max() where there is none.
time_point current_deadline() noexcept;
/// Whether calls that are made now on this thread carry metadata.
bool has_current_metadata() noexcept;
/// What they carry: what a metadata_scope says, and of the call that is handled traceparent and tracestate, but where
/// the scope says these itself.
metadata current_metadata();

/// Has calls made on this thread while it exists inherit `now`.
class inheritance_scope {
public:
  explicit inheritance_scope(inheritance now) noexcept;
  ~inheritance_scope();
  inheritance_scope(const inheritance_scope&) = delete;
  inheritance_scope& operator=(const inheritance_scope&) = delete;

protected:
  static const inheritance& current() noexcept;

private:
  inheritance outer_;
};

/// Calls made while it exists are made on behalf of `call`.
class call_scope : public inheritance_scope {
public:
  explicit call_scope(const call_context& call) noexcept
      : inheritance_scope({call.deadline(), call.shared_metadata()}) {}
};

/// Calls made while it exists are to be answered by `deadline`.
class deadline_scope : public inheritance_scope {
public:
  explicit deadline_scope(time_point deadline) noexcept
      : inheritance_scope({deadline, current().of_call, current().own}) {}
};

/// Calls made while it exists carry `own`.
class metadata_scope : public inheritance_scope {
public:
  explicit metadata_scope(metadata own) noexcept
      : inheritance_scope({current().deadline, current().of_call, &own_}), own_(std::move(own)) {}

private:
  const metadata own_;
};

}  // namespace switchboard::rpc
