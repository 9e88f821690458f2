#pragma once

/// A bounded queue of serialized messages between the two ends of a stream.
///
/// Why        writer and reader live in different actors, perhaps on different threads, and credit is what couples
///            them: a message is taken only where the reader has granted one, so what waits here has a bound that the
///            reader chose. A writer that is refused is notified once there is room again; it never queues beyond that.
/// Threads    any; the writer's side and the reader's side by one thread each at a time.
/// Owns       what is queued. Wakers of both sides, until detach() and the end.
/// Errors     the end's status; the first one counts.

#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>

#include <switchboard/rpc/message_window.hpp>
#include <switchboard/rpc/source.hpp>

namespace switchboard::rpc {

class stream_queue final : public source {
public:
  /// Bytes that wait before the writer is refused, whatever credit there is; one message is always taken.
  static constexpr std::size_t window_bytes = std::size_t{256} << 10;
  static constexpr std::uint64_t credit_max = message_window::credit_max;

  /// `credit`: messages the reader takes from the start.
  explicit stream_queue(std::uint64_t credit, std::size_t window = window_bytes) noexcept : waiting_(credit, window) {}

  // The writer's side.

  /// False: not taken, for lack of room or because the stream has ended.
  bool push(std::string_view message, caf::execution_unit* context);
  /// Whether push() would take a message, for a writer that has yet to make one. False counts as a refused push().
  bool ask_room();
  /// No more messages: the reader gets those queued, then `how`.
  void finish(status how, caf::execution_unit* context);
  /// The reader gets `how` next, unless it has come to the end already; what is queued is dropped.
  void fail(status how, caf::execution_unit* context);
  /// From now on the reader is served from `from`, after what is queued.
  void follow(std::shared_ptr<source> from, caf::execution_unit* context);
  /// Woken once when a refused push() may succeed, and when the reader is gone.
  void set_writer(waker writer);
  /// Whether the reader is gone.
  bool detached() const;

  // The reader's side.

  void attach(waker reader) override;
  outcome next(payload& out) override;
  status result() const override;
  bool ended() override;
  void granted(std::uint32_t more, caf::execution_unit* context) override;
  void detach() override;

private:
  bool room() const noexcept { return waiting_.has_room() && !finished_ && !detached_ && !followed_; }
  waker to_tell_writer() noexcept;
  waker to_tell_reader() noexcept;
  void end_with(status&& how, bool drop_queued, caf::execution_unit* context);

  // Recursive: a waker whose actor has ended drops that actor's end of the stream on this thread, which may lead back.
  mutable std::recursive_mutex mutex_;
  message_window waiting_;
  std::shared_ptr<source> followed_;
  waker writer_;
  waker reader_;
  status how_;
  bool finished_ = false;
  bool end_given_ = false;  // the reader knows
  bool detached_ = false;
  bool refused_ = false;       // the writer waits for room
  bool reader_waits_ = false;  // the reader has seen that nothing is there
  bool end_awaited_ = false;   // the reader has no credit, or no room, and waits for an end at most
};

}  // namespace switchboard::rpc
