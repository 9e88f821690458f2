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
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <caf/actor_control_block.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/fwd.hpp>
#include <google/protobuf/message_lite.h>

#include <switchboard/rpc/only_moved.hpp>
#include <switchboard/rpc/reply_backlog.hpp>
#include <switchboard/rpc/source.hpp>
#include <switchboard/rpc/status.hpp>

namespace switchboard::rpc {

using time_point = std::chrono::steady_clock::time_point;

/// Who calls: a connection, as services see it.
struct caller {
  std::uint64_t id = 0;  ///< unique among the connections of this process
  caf::strong_actor_ptr connection;
  std::string peer;      ///< its address
  std::string identity;  ///< empty where none is demanded
  std::size_t frame_limit = 0;
  std::shared_ptr<reply_backlog> backlog;
};

/// To the watcher of a call: it ended before it was answered (cancel, deadline, or the connection is gone).
struct call_ended {
  std::uint64_t caller;
  std::uint64_t call;
};

/// Carries call_ended to its watcher behind the calls that the connection sent to the same service before, so that it
/// does not overtake one that the service passes on to the watcher. Whoever drops it undelivered delivers it.
class end_notice {
public:
  end_notice(caf::strong_actor_ptr watcher, call_ended what) noexcept : watcher_(std::move(watcher)), what_(what) {}
  end_notice(end_notice&&) noexcept = default;
  end_notice& operator=(end_notice&&) = delete;
  ~end_notice() { deliver(nullptr); }

  void deliver(caf::execution_unit* context) noexcept;
  /// Gives the watcher to whoever will tell it instead.
  caf::strong_actor_ptr take_watcher() noexcept { return std::exchange(watcher_, nullptr); }

private:
  caf::strong_actor_ptr watcher_;
  call_ended what_;
};
using passed_end_notice = only_moved<end_notice>;

/// To a connection: the source of this stream may have something.
struct stream_ready {
  std::uint64_t call;
};

/// To a connection: what became of some of its calls. Applied in the order of the members.
struct answers {
  struct watch {
    std::uint64_t call;
    /// The end that a watcher hears of if the connection is gone before it reads this.
    only_moved<end_notice> notice;
  };
  struct stream {
    std::uint64_t call;
    std::shared_ptr<rpc::source> source;
  };
  struct frame {
    std::uint64_t call;  ///< which this frame ends
    std::uint32_t size;  ///< its bytes in `frames`, size varint included
  };
  std::vector<watch> watches;
  std::vector<stream> streams;
  std::vector<frame> ends;
  std::string frames;
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

private:
  friend class call_handle;
  struct parcel {
    std::shared_ptr<const caller> to;
    rpc::answers content;
  };
  answers& content_for(const std::shared_ptr<const caller>& to);
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
  call_handle(std::shared_ptr<const caller> from, std::uint64_t number, time_point deadline) noexcept
      : from_(std::move(from)), number_(number), deadline_(deadline) {}
  call_handle(call_handle&&) noexcept = default;
  call_handle& operator=(call_handle&& other) noexcept;
  ~call_handle() { abandon(); }

  /// Whether the call is still to be answered through this handle.
  explicit operator bool() const noexcept { return from_ != nullptr; }
  const caller& context() const noexcept { return *from_; }
  std::uint64_t number() const noexcept { return number_; }
  /// When the caller stops waiting; time_point::max() if never.
  time_point deadline() const noexcept { return deadline_; }

  /// `who` gets call_ended if the call ends before its answer does.
  void watch(caf::strong_actor_ptr who);
  void fail(status reason);
  void fail(code why, std::string text) { fail(status{why, std::move(text)}); }

protected:
  void finish(const google::protobuf::MessageLite& reply);
  void stream_from(std::shared_ptr<source> from);

private:
  void abandon() noexcept;
  template <class Fill>
  void deliver(Fill&& fill) const;

  std::shared_ptr<const caller> from_;
  std::uint64_t number_ = 0;
  time_point deadline_ = time_point::max();
};

/// Answers a unary call.
template <class Reply>
class responder : public call_handle {
public:
  responder() = default;
  explicit responder(call_handle call) : call_handle(std::move(call)) {}

  void reply(const Reply& message) { finish(message); }
};

/// Sends the messages of a server-streaming call.
template <class Reply>
class outbound : public call_handle {
public:
  outbound() = default;
  explicit outbound(call_handle call) : call_handle(std::move(call)) {}

  /// The connection drains `from` as credit and its marks allow.
  void follow(std::shared_ptr<source> from) { stream_from(std::move(from)); }

  /// Asks `next` for one message at a time, on the connection's thread, as credit allows; false from it ends the
  /// stream.
  void generate(std::function<bool(Reply&)> next) {
    class generator final : public source {
    public:
      explicit generator(std::function<bool(Reply&)> produce) : produce_(std::move(produce)) {}
      outcome next(payload& out) override {
        if (ended()) return outcome::end;
        message_.SerializeToString(&bytes_);
        produced_ = false;
        out = {bytes_, {}};
        return outcome::message;
      }
      bool ended() override {
        if (!produced_ && !ended_) {
          message_.Clear();
          produced_ = produce_(message_);
          ended_ = !produced_;
        }
        return ended_;
      }

    private:
      std::function<bool(Reply&)> produce_;
      Reply message_;
      std::string bytes_;
      bool produced_ = false;  // message_ waits for its credit
      bool ended_ = false;
    };
    follow(std::make_shared<generator>(std::move(next)));
  }
};

}  // namespace switchboard::rpc

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::rpc::call_ended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::rpc::passed_end_notice)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::rpc::stream_ready)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::rpc::answers)
