#pragma once

/// What travels to a connection about its calls: answers, watches, streams, grants; and, back from it, that a watched call
/// has ended.
///
/// Why        what becomes of several calls in one turn is one message, its answers encoded where they arose.
/// Threads    values, owned by the turn that fills them (rpc/turn.hpp), then by the connection.
/// Owns       sources and watchers in transit: each is notified if it is dropped undelivered.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <caf/actor_control_block.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/fwd.hpp>

#include <switchboard/rpc/call.hpp>
#include <switchboard/rpc/metadata.hpp>
#include <switchboard/rpc/method.hpp>
#include <switchboard/rpc/only_moved.hpp>
#include <switchboard/rpc/source.hpp>
#include <switchboard/rpc/status.hpp>

namespace switchboard::rpc {

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
  /// Replaces the reason, where a more precise one is known now.
  void because(code why) noexcept { what_.why = why; }
  void deliver(caf::execution_unit* context) noexcept;
  /// Hands the watcher over to the caller, which notifies it instead.
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

  /// What they take of memory, as output.
  std::size_t bytes() const noexcept;
  bool empty() const noexcept { return ends.empty() && streams.empty() && watches.empty() && grants.empty(); }
};

}  // namespace switchboard::rpc

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::rpc::stream_ready)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::rpc::answers)
