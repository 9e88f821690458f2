#pragma once

/// A call as the actor that answers it holds it, and the messages its answers travel in.
///
/// Why        CAF's request/response costs a message a call and, dropped, hangs its caller. A responder owns its call:
///            it answers once, or its destructor does (INTERNAL). Answers are encoded as frames where they arise and go
///            to the connection as one message per connection and turn.
/// Threads    a handle belongs to one thread at a time; it may be moved to another actor and answered there.
/// Owns       a handle keeps its connection actor's memory, not its life: answers to a connection that ended are
///            dropped.
/// Errors     a reply above the frame limit becomes RESOURCE_EXHAUSTED.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <caf/actor_cast.hpp>
#include <caf/actor_control_block.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/duration.hpp>
#include <caf/error.hpp>
#include <caf/fwd.hpp>
#include <google/protobuf/message_lite.h>

#include <switchboard/rpc/caf_error.hpp>
#include <switchboard/rpc/method.hpp>
#include <switchboard/rpc/only_moved.hpp>
#include <switchboard/rpc/reply_backlog.hpp>
#include <switchboard/rpc/source.hpp>
#include <switchboard/rpc/status.hpp>

namespace switchboard::rpc {

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
  caf::strong_actor_ptr connection;
  std::string peer;      ///< its address
  std::string identity;  ///< empty where none is demanded
  std::size_t frame_limit = 0;
  std::shared_ptr<reply_backlog> backlog;
  std::shared_ptr<local_answer> local{};  ///< set where there is no connection; for one call
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
  /// Whom the caller has proved to be; empty where no proof is demanded.
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

/// Carries call_ended to the call's watcher, if it has one. It travels among the connection's calls to the same service
/// (rpc/call_batch.hpp), so that it does not overtake one that the service hands on to the watcher. Destroyed undelivered
/// it delivers itself.
class end_notice {
public:
  end_notice(caf::strong_actor_ptr watcher, call_ended what) noexcept : watcher_(std::move(watcher)), what_(what) {}
  end_notice(end_notice&&) noexcept = default;
  end_notice& operator=(end_notice&&) = delete;
  ~end_notice() { deliver(nullptr); }

  const call_ended& what() const noexcept { return what_; }
  bool is_for(const caf::actor_control_block* who) const noexcept { return watcher_.get() == who; }
  /// Says why, where that is known better now.
  void because(code why) noexcept { what_.why = why; }
  void deliver(caf::execution_unit* context) noexcept;
  /// Gives the watcher to whoever will tell it instead.
  caf::strong_actor_ptr take_watcher() noexcept { return std::exchange(watcher_, nullptr); }

private:
  caf::strong_actor_ptr watcher_;
  call_ended what_;
};

/// To a connection: the source of this stream may have something.
struct stream_ready {
  std::uint64_t call;
};

/// To a connection: what became of some of its calls. Applied in the order of the members.
struct answers {
  struct watch {
    std::uint64_t call;
    const rpc::method* method;  ///< that was called; its service passes the notice on
    /// The end that a watcher hears of if the connection is gone before it reads this.
    only_moved<end_notice> notice;
  };
  struct stream {
    std::uint64_t call;
    only_moved<passed_source> source;
  };
  struct frame {
    std::uint64_t call;  ///< which this frame ends
    std::uint32_t size;  ///< its bytes in `frames`, size varint included
    code how = code::ok;
  };
  /// Metadata that goes with one of `ends`.
  struct trailer {
    std::size_t end;  ///< its place there
    metadata pairs;
  };
  /// Messages of a stream of requests that its reader has dealt with, and how many more it takes.
  struct grant {
    std::uint64_t call;
    std::uint32_t messages;
    std::uint32_t bytes_released;  ///< at most; more than there are stands for all
  };
  std::vector<watch> watches;
  std::vector<stream> streams;
  std::vector<grant> grants;
  std::vector<frame> ends;
  std::string frames;
  std::vector<trailer> trailers;  ///< in the order of `ends`

  /// Bytes that the connection is going to write.
  std::size_t bytes() const noexcept;
  bool empty() const noexcept { return ends.empty() && streams.empty() && watches.empty() && grants.empty(); }
};

/// Gathers the answers given during a handler: one message a connection when the scope ends. Scopes do not nest across
/// handlers; the innermost one of a thread counts. Without one each answer is a message of its own.
class answer_collector {
public:
  /// `context`: the execution unit of the actor whose handler this is.
  explicit answer_collector(caf::execution_unit* context) noexcept;
  ~answer_collector();
  answer_collector(const answer_collector&) = delete;
  answer_collector& operator=(const answer_collector&) = delete;

  /// Sets room aside for `answers` to one connection of about `bytes` in all; for speed only.
  void expect(const std::shared_ptr<const caller>& to, std::size_t answers, std::size_t bytes);

  static constexpr std::size_t connections_max = 32;         ///< gathered before all are sent early
  static constexpr std::size_t frame_bytes_max = 64 * 1024;  ///< of one connection, likewise

  /// Lets the sender of a stream of requests go on; as a message of its own where no scope is open.
  static void grant(const std::shared_ptr<const caller>& to, answers::grant more);

private:
  friend class call_handle;
  struct parcel {
    std::shared_ptr<const caller> to;
    rpc::answers content;
  };
  answers& content_for(const std::shared_ptr<const caller>& to);
  /// Sends what there is for one connection ahead of the scope's end.
  void flush(const std::shared_ptr<const caller>& to);
  void flush();

  caf::execution_unit* context_;
  answer_collector* outer_;
  std::vector<parcel> parcels_;
};

/// While one exists on a thread, calls let go unanswered end with UNAVAILABLE instead of INTERNAL: for the end of an
/// actor that holds calls, when it is the service that fails and not its handling of one call.
class unwinding {
public:
  unwinding() noexcept;
  ~unwinding();
  unwinding(const unwinding&) = delete;
  unwinding& operator=(const unwinding&) = delete;
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
  void watch(caf::strong_actor_ptr who);
  template <class Actor>
  void watch(Actor* who) {
    watch(caf::actor_cast<caf::strong_actor_ptr>(who));
  }
  void fail(status reason);
  void fail(code why, std::string text) { fail(status{why, std::move(text)}); }
  /// Gives the call away unanswered: whoever gets its context answers.
  call_context release() noexcept { return std::move(call_); }
  /// The connection draws the call's answer from `from`. @pre the call is a connection's
  void stream_from(std::shared_ptr<source> from);

protected:
  void finish(const google::protobuf::MessageLite& reply, const metadata* trailing = nullptr);
  void finish_serialized(std::string_view reply);
  void finish_local(google::protobuf::MessageLite&& reply);
  bool is_local() const noexcept { return call_.from_->local != nullptr; }

private:
  void abandon() noexcept;
  template <class Append>
  void finish_with(std::size_t payload, const metadata* trailing, Append&& append);
  template <class Fill>
  void deliver(Fill&& fill) const;

  call_context call_;
  std::uint32_t credit_ = 0;
};

/// The status that a call let go unanswered on this thread ends with, at this moment.
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

  /// Answers with a serialized Reply; one that does not parse may reach the caller.
  void reply_serialized(std::string_view message) {
    if (!is_local()) return finish_serialized(message);
    Reply parsed;
    if (!parsed.ParseFromArray(message.data(), static_cast<int>(message.size())))
      return fail(code::internal, "the reply does not parse");
    finish_local(std::move(parsed));
  }

  /// Answers with what another actor answers `message` with, a Reply or an error. `self` is the actor that runs this;
  /// the call stays unanswered for as long as the other does.
  template <class Self, class Handle, class... Ts>
  void delegate(Self* self, const Handle& to, Ts&&... message) {
    // Shared, because CAF copies what it is given to call.
    auto call = std::make_shared<responder>(std::move(*this));
    self->request(to, caf::infinite, std::forward<Ts>(message)...)
        .then([call](Reply& reply) { call->reply(std::move(reply)); },
              [call](const caf::error& failure) { call->fail(to_status(failure)); });
  }
};

}  // namespace switchboard::rpc

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::rpc::call_ended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::rpc::stream_ready)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::rpc::answers)

/// As rpc::passed, to one actor.
template <class Reply>
struct caf::allowed_unsafe_message_type<switchboard::rpc::only_moved<switchboard::rpc::responder<Reply>>>
    : std::true_type {};
