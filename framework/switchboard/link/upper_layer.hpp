#pragma once

/// The protocol above a link: what the link passes its frames to.
///
/// Threads    called by the link, on its thread, inside the functions that its driver calls.
/// Order      on_open, then frames, then on_end_of_stream at most once; on_closing at any time, and after it nothing but
///            on_closed.
/// Errors     an exception of on_frame passes through the link to its driver; the link can only be aborted after it.

#include <system_error>

#include <switchboard/link/close_reason.hpp>
#include <switchboard/wire/frame_view.hpp>

namespace switchboard::link {

class upper_layer {
public:
  /// The connection is made: frames may be sent.
  virtual void on_open() {}
  /// `frame` is valid until this returns.
  virtual void on_frame(const wire::frame_view& frame) = 0;
  /// All frames of one read were passed on.
  virtual void after_frames() {}
  /// The peer's bytes are no frames, or a frame did not come whole in time (timed_out). The upper layer finishes or closes
  /// the link before it returns.
  virtual void on_malformed(std::error_code why) = 0;
  /// No more frames come; those that are sent still arrive. The upper layer finishes the link when it has sent all.
  virtual void on_end_of_stream() = 0;
  /// Asked at the end of each turn: whether more input may be read for now.
  virtual bool accepts_input() const noexcept { return true; }
  /// A write has left the queue at its low mark or below, and the socket takes more.
  virtual void on_output_low() {}
  /// The link ends: nothing is sent or comes any more. `why` where the system, or the transport, has said so.
  virtual void on_closing(close_reason reason, std::error_code why) = 0;
  /// The socket is closed; the last call. The link must not be destroyed before its own function has returned.
  virtual void on_closed(close_reason reason) = 0;

protected:
  ~upper_layer() = default;
};

}  // namespace switchboard::link
