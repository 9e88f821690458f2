#pragma once

/// A call as the actor that answers it holds it.
///
/// Why        CAF's request/response costs a message a call and, dropped, hangs its caller. A responder owns its call:
///            it answers once, or its destructor does (INTERNAL). Answers are encoded as frames where they arise and go
///            to the connection as one message per connection and turn (rpc/turn.hpp, rpc/answers.hpp).
/// Threads    a handle belongs to one thread at a time; it may be moved to another actor (rpc::passed) and answered
///            there.
/// Owns       a handle keeps its connection actor's memory, not its life: answers to a connection that ended are
///            dropped.
/// Errors     a reply above the frame limit becomes RESOURCE_EXHAUSTED.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <google/protobuf/message_lite.h>

#include <switchboard/rpc/actor_ref.hpp>
#include <switchboard/rpc/method.hpp>
#include <switchboard/rpc/source.hpp>
#include <switchboard/rpc/status.hpp>

namespace switchboard::rpc {

class allowance;

using time_point = std::chrono::steady_clock::time_point;

/// Answers a call that came as a message of an actor in this process.
class local_answer {
public:
  virtual ~local_answer() = default;
  virtual void reply(google::protobuf::MessageLite&& message) = 0;
  virtual void fail(const status& reason) = 0;
};

/// Who calls, as services see it: a connection, or an actor in this process.
struct caller {
  std::uint64_t id = 0;  ///< unique among the connections of a broker; 0: an actor in this process
  actor_ref connection;
  std::string peer;      ///< its address
  std::string identity;  ///< empty where none is demanded
  std::size_t frame_limit = 0;
  std::shared_ptr<rpc::allowance> allowance;  ///< null for an actor in this process
  std::shared_ptr<local_answer> local{};      ///< set where there is no connection; for one call
};

/// One call as its handler sees it: who calls what, and until when.
class call_context {
public:
  call_context() = default;
  call_context(std::shared_ptr<const rpc::caller> from, std::uint64_t number, time_point deadline,
               const rpc::method* to, std::shared_ptr<const rpc::metadata> metadata = nullptr) noexcept
      : from_(std::move(from)), number_(number), deadline_(deadline), method_(to), metadata_(std::move(metadata)) {}

  const rpc::caller& caller() const noexcept { return *from_; }
  const std::shared_ptr<const rpc::caller>& shared_caller() const noexcept { return from_; }
  /// The caller's address; "local" for an actor in this process.
  const std::string& peer() const noexcept { return from_->peer; }
  /// The caller's authenticated identity; empty where no authentication is required.
  const std::string& identity() const noexcept { return from_->identity; }
  /// Unique, with caller().id, among the calls of a broker.
  std::uint64_t number() const noexcept { return number_; }
  /// When the caller stops waiting; time_point::max() if never.
  time_point deadline() const noexcept { return deadline_; }
  /// What was called; valid as long as its service is served.
  const rpc::method& method() const noexcept { return *method_; }
  /// What is kept of the request's metadata (rpc/metadata.hpp).
  const rpc::metadata& metadata() const noexcept { return metadata_ ? *metadata_ : no_metadata(); }
  /// The same; null where it is nothing.
  const std::shared_ptr<const rpc::metadata>& shared_metadata() const noexcept { return metadata_; }

private:
  friend class call_handle;
  std::shared_ptr<const rpc::caller> from_;
  std::uint64_t number_ = 0;
  time_point deadline_ = time_point::max();
  const rpc::method* method_ = nullptr;
  std::shared_ptr<const rpc::metadata> metadata_;
};

/// To the watcher of a call: it ended before it was answered (cancel, deadline, or the connection is gone).
struct call_ended {
  std::uint64_t caller;
  std::uint64_t call;
  code why = code::cancelled;
};

/// What all responders share: one unanswered call.
class call_handle {
public:
  call_handle() = default;
  /// `credit`: stream messages that the caller takes at once.
  call_handle(call_context call, std::uint32_t credit = 0) noexcept : call_(std::move(call)), credit_(credit) {}
  call_handle(call_handle&&) noexcept = default;
  call_handle& operator=(call_handle&& other) noexcept;
  ~call_handle() { abandon(); }

  /// Whether the call is still to be answered through this handle.
  explicit operator bool() const noexcept { return call_.from_ != nullptr; }
  const call_context& context() const noexcept { return call_; }
  std::uint32_t credit() const noexcept { return credit_; }

  /// `who` gets call_ended if the call ends before its answer does. Calls of actors in this process end with their
  /// answer only.
  void watch(actor_ref who);
  template <class Actor>
  void watch(Actor* who) {
    watch(actor_ref{who->ctrl()});
  }
  void fail(status reason);
  void fail(code why, std::string text) { fail(status{why, std::move(text)}); }
  /// Gives the call away unanswered: the receiver of its context has to answer it.
  call_context release() noexcept { return std::move(call_); }
  /// The connection draws the call's answer from `from`. @pre the call is a connection's
  void stream_from(std::shared_ptr<source> from);

protected:
  void finish(const google::protobuf::MessageLite& reply, const metadata* trailing = nullptr);
  void finish_serialized(std::string&& reply);
  void finish_local(google::protobuf::MessageLite&& reply);
  bool is_local() const noexcept { return call_.from_->local != nullptr; }

private:
  void abandon() noexcept;
  template <class Append>
  void finish_with(std::size_t payload, const metadata* trailing, Append&& append);

  call_context call_;
  std::uint32_t credit_ = 0;
};

/// The status that a call ends with if its handle is destroyed unanswered on this thread at this moment.
status abandoned_status();

/// Answers a call with one reply.
template <class Reply>
class responder : public call_handle {
public:
  responder() = default;
  explicit responder(call_handle call) : call_handle(std::move(call)) {}

  void reply(const Reply& message) {
    if (is_local())
      finish_local(Reply{message});
    else
      finish(message);
  }
  /// With `trailing` in the frame that ends the call; an actor of this process does not get it.
  void reply(const Reply& message, const metadata& trailing) {
    if (is_local())
      finish_local(Reply{message});
    else
      finish(message, &trailing);
  }
  void reply(Reply&& message) {
    if (is_local())
      finish_local(std::move(message));
    else
      finish(message);
  }

  /// Answers with a serialized Reply; one that does not parse may reach the caller. A large one is not copied if its
  /// string has room for wire::message_overhead_max bytes more.
  void reply_serialized(std::string message) {
    if (!is_local()) return finish_serialized(std::move(message));
    Reply parsed;
    if (!parsed.ParseFromArray(message.data(), static_cast<int>(message.size())))
      return fail(code::internal, "the reply does not parse");
    finish_local(std::move(parsed));
  }

  /// Answers with what another actor answers `message` with, a Reply or an error. `self` is the actor that runs this;
  /// the call stays unanswered for as long as the other does. In <switchboard/rpc/delegate.hpp>.
  template <class Self, class Handle, class... Ts>
  void delegate(Self* self, const Handle& to, Ts&&... message);
};

}  // namespace switchboard::rpc

template <>
struct caf::allowed_unsafe_message_type<switchboard::rpc::call_ended> : std::true_type {};
