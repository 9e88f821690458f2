#pragma once

/// What a stream sends, pulled ("drawn") by its drawer: a connection that carries it, or an actor of the process that reads it.
///
/// Why        a connection knows its credit and its high-water mark, so it asks for the next message when it can send
///            one; a slow reader costs a place in the source, never a queue.
/// Threads    all but what feeds it: the drawer's actor, one at a time. What feeds the source may be elsewhere and
///            calls the waker from any thread.
/// Owns       the drawer owns the source from the stream's start to its end.

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include <switchboard/rpc/actor_ref.hpp>
#include <switchboard/rpc/status.hpp>
#include <switchboard/wire/shared_bytes.hpp>

namespace switchboard::rpc {

class stream_end;

/// Notifies the drawer of a source that next() may have something again. Safe to call after the stream or the drawer
/// ended.
class waker {
public:
  waker() = default;
  /// stream_ready for a connection.
  waker(actor_ref connection, std::uint64_t call) : whom_(std::move(connection)), call_(call) {}
  /// stream_turn for an actor (rpc/stream_end.hpp).
  waker(actor_ref actor, std::shared_ptr<stream_end> end) : whom_(std::move(actor)), end_(std::move(end)) {}
  /// One message. `context` is the caller's execution unit, if it is an actor's handler.
  void wake(caf::execution_unit* context = nullptr) const;
  explicit operator bool() const noexcept { return static_cast<bool>(whom_); }

private:
  actor_ref whom_;
  std::uint64_t call_ = 0;
  std::shared_ptr<stream_end> end_;
};

/// One serialized message.
struct payload {
  std::string_view bytes;    ///< valid until the source's next next(), or as long as `owner` lives
  wire::shared_bytes owner;  ///< set where the bytes may be kept by reference instead of copied
};

class source {
public:
  enum class outcome : unsigned char {
    message,  ///< `out` is the next one
    wait,     ///< nothing now; the waker will be called
    end,      ///< nothing more; result() says how the call ends
  };

  virtual ~source() = default;
  /// Called once, before the first next().
  virtual void attach(waker) {}
  virtual outcome next(payload& out) = 0;
  virtual status result() const { return {}; }
  /// Whether next() would say end. Asked where nothing is drawn for now, for want of credit or of room, because the end costs
  /// neither: a source then releases what it can get again.
  virtual bool ended() = 0;
  /// The reader takes `more` messages; for sources whose feeder must know. `context` as for waker::wake.
  virtual void granted(std::uint32_t more, caf::execution_unit* context) { (void)more, (void)context; }
  /// Nothing is drawn any more.
  virtual void detach() {}
};

/// A source in transit to its drawer. One that is dropped in transit is detached.
class passed_source {
public:
  explicit passed_source(std::shared_ptr<source> what) noexcept : source_(std::move(what)) {}
  passed_source(passed_source&&) noexcept = default;
  passed_source& operator=(passed_source&&) = delete;
  ~passed_source() {
    if (source_) source_->detach();
  }
  std::shared_ptr<source> take() noexcept { return std::move(source_); }

private:
  std::shared_ptr<source> source_;
};

}  // namespace switchboard::rpc
