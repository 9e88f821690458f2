#pragma once

/// The life of a link as one enum, after TCP's own states (RFC 9293, 3.3.2).
///
///     state        next         when
///     handshaking  open         the transport has made its connection
///     open         half_closed  the peer has ended its stream
///     open         flushing     finish(): nothing more is taken from the peer
///     half_closed  last_flush   finish(): the peer has its answers
///     flushing     lingering    all output is written, and writing is shut down
///     flushing     last_flush   the peer has ended its stream
///     any of them  closing      both sides have ended, a limit of time, a fault, close()
///     closing      closed       the registration has ended (N48), and the socket with it
///
/// Threads    values; one at a time.
/// Errors     a transition that the table does not have is a broken invariant.

namespace switchboard::link {

enum class state : unsigned char {
  handshaking,  ///< nothing is read, and nothing written but by the transport itself
  open,         ///< frames go both ways
  half_closed,  ///< nothing comes any more; frames still go to the peer
  flushing,     ///< queued output leaves; what comes is thrown away
  lingering,    ///< writing is shut down; what comes is thrown away, until the peer's end of stream
  last_flush,   ///< queued output leaves; nothing comes any more
  closing,      ///< the end of the registration is awaited
  closed,
};

/// Whether the table above has the transition.
bool may_follow(state now, state next) noexcept;
/// Whether there still is a connection to read from or to write to.
constexpr bool is_live(state now) noexcept {
  return now < state::closing;
}
/// Whether frames may be queued.
constexpr bool may_send(state now) noexcept {
  return now == state::open || now == state::half_closed;
}
/// Whether the peer may still send something.
constexpr bool may_receive(state now) noexcept {
  return now == state::open || now == state::flushing || now == state::lingering;
}

class lifecycle {
public:
  state now() const noexcept { return now_; }
  void to(state next) noexcept;

private:
  state now_ = state::handshaking;
};

}  // namespace switchboard::link
