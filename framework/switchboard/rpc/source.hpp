#pragma once

/// What a server stream sends, pulled by the connection that carries it.
///
/// Why        a connection knows its credit and its high-water mark, so it asks for the next message when it can send
///            one; a slow reader costs a place in the source, never a queue.
/// Threads    attach, next and result: the connection's actor, one at a time. What feeds the source may be elsewhere
///            and calls the waker from any thread.
/// Owns       the connection owns the source from the stream's start to its end.

#include <cstdint>
#include <string_view>

#include <caf/actor_control_block.hpp>
#include <caf/fwd.hpp>

#include <switchboard/rpc/status.hpp>
#include <switchboard/wire/shared_bytes.hpp>

namespace switchboard::rpc {

/// Tells a connection that next() may have something again. Safe to call after the stream or the connection ended.
class waker {
public:
  waker() = default;
  waker(caf::strong_actor_ptr connection, std::uint64_t call) : connection_(std::move(connection)), call_(call) {}
  /// One message to the connection. `context` is the caller's execution unit, if it is an actor's handler.
  void wake(caf::execution_unit* context = nullptr) const;

private:
  caf::strong_actor_ptr connection_;
  std::uint64_t call_ = 0;
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
  /// Whether next() would say end: asked where there is no credit for a message, because the end costs none.
  virtual bool ended() = 0;
};

}  // namespace switchboard::rpc
