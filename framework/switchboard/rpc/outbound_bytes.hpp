#pragma once

/// A stream that is being written, whatever its messages are: what outbound (rpc/stream.hpp) is without their type.
///
/// Why        a call's stream and a pipe's end and wait in different ways; this is compiled once, and not once a message
///            type in each source that writes one.
/// Threads    one actor at a time; may be moved to another in a message.
/// Owns       the call, until it is answered or streams; the queue, until its end.
/// Errors     if the handle is destroyed before finish(), its call ends with INTERNAL, and so does a pipe.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <switchboard/rpc/call.hpp>
#include <switchboard/rpc/source.hpp>
#include <switchboard/rpc/stream_queue.hpp>

namespace switchboard::rpc {

class outbound_bytes {
public:
  outbound_bytes() noexcept;
  /// A call's. Nothing of it has been answered yet.
  explicit outbound_bytes(call_handle call);
  /// A pipe's.
  explicit outbound_bytes(std::shared_ptr<stream_queue> to) noexcept;
  outbound_bytes(outbound_bytes&&) noexcept;
  outbound_bytes& operator=(outbound_bytes&& other) noexcept;
  ~outbound_bytes();

  /// Whether the stream is still to be written through this handle.
  explicit operator bool() const noexcept { return call_ || queue_; }
  /// The call that this stream is part of. @pre of a call, not of a pipe
  const call_context& context() const noexcept { return context_; }
  /// The call, to be answered in another way. @pre nothing was sent
  call_handle take_call() && { return std::move(call_); }
  /// Messages that the reader of a call takes at once, which a source to follow() is to know from the start; a pipe
  /// grants its source credit itself.
  std::uint32_t credit() const noexcept { return call_ ? call_.credit() : 0; }
  /// `who` gets call_ended if the call ends before the stream does.
  void watch(actor_ref who);

  /// Has `ready` called when a refused send() may be taken, and when the stream has ended() from the other side.
  void on_ready(caf::local_actor* self, std::function<void()> ready);
  /// The same in the actor whose handler is running.
  void on_ready(std::function<void()> ready);
  /// Whether the reader is gone: the call is cancelled or past its deadline, or its connection is gone.
  bool ended() const;
  /// Ends the stream normally, after what was sent.
  void finish();
  /// The same, with `trailing` in the frame that ends it.
  void finish(metadata trailing);
  void fail(status why);
  void fail(code why, std::string text);

  /// The stream is what `from` has, drawn as credit and the connection's water marks allow.
  void follow(std::shared_ptr<source> from);
  /// The stream is read from a log: what follows the position `after`, then what is appended, as the reader takes it. For
  /// any log whose `log->reader(after)` is a source.
  template <class Log>
  void follow(const Log& log, std::uint64_t after) {
    follow(log->reader(after));
  }

protected:
  /// Whether push() would take a message, for a writer that has yet to make one. False counts as a refused push().
  bool ask_room();
  bool push(std::string_view message);

private:
  void open();
  void end_with(status how);
  void abandon() noexcept;

  call_context context_;
  call_handle call_;
  std::shared_ptr<stream_queue> queue_;
};

}  // namespace switchboard::rpc
