#pragma once

/// What calls inherit that are made while a call is handled: its deadline, and its trace context; and how a handler, or a
/// thread of a program's own, overrides both.
///
///     const rpc::deadline_scope until{self_->now() + 500ms};
///     const rpc::metadata_scope saying{rpc::metadata{{"priority", "low"}}};
///     self_->request(elsewhere, caf::infinite, Echo::say{}, request)…
///
/// Why        a call's deadline and trace follow it through every service it causes calls of, without a handler passing
///            them on.
/// Threads    each has its own. Scopes nest, and end on the thread and in the turn in which they began.
/// Turns      in a turn (rpc/turn.hpp) a scope changes what that one's calls inherit, for as long as the scope exists;
///            a turn begins with nothing inherited. Outside of any turn it counts for its thread.

#include <memory>

#include <switchboard/rpc/call.hpp>

namespace switchboard::rpc {

class turn;

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
  explicit inheritance_scope(inheritance now);
  ~inheritance_scope();
  inheritance_scope(const inheritance_scope&) = delete;
  inheritance_scope& operator=(const inheritance_scope&) = delete;

protected:
  static const inheritance& current() noexcept;

private:
  std::unique_ptr<turn> own_;  ///< outside of any other
  inheritance outer_;
};

/// Calls made while it exists are made on behalf of `call`.
class call_scope : public inheritance_scope {
public:
  explicit call_scope(const call_context& call) : inheritance_scope({call.deadline(), call.shared_metadata()}) {}
};

/// Calls made while it exists are to be answered by `deadline`.
class deadline_scope : public inheritance_scope {
public:
  explicit deadline_scope(time_point deadline) : inheritance_scope({deadline, current().of_call, current().own}) {}
};

/// Calls made while it exists carry `own`.
class metadata_scope : public inheritance_scope {
public:
  explicit metadata_scope(metadata own)
      : inheritance_scope({current().deadline, current().of_call, &own_}), own_(std::move(own)) {}

private:
  const metadata own_;
};

}  // namespace switchboard::rpc
