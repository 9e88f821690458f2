#pragma once

/// One connected stream of frames, the same for both sides: a server's connection and a client's channel each use one.
///
/// Why        reading, decoding, queueing, writing, arming and the orderly end are the same whatever the frames mean; the
///            link knows frames and no calls.
/// Way        readiness → one chunk is read → its frames go to the upper layer → what that queued is written at the end of
///            the turn, or of a later one that is about to follow → the socket is armed for what is wanted then.
/// Threads    one at a time: its driver's.
/// Owns       the transport, from its making to the registration's end (N50); a partial frame; queued output; of input
///            whose replies had no room, the rest of one chunk. An idle link owns no buffer.
/// States     link/state.hpp
/// Errors     each ends the link; the upper layer gets the close_reason.
/// Turns      whatever is done with a link in one turn, end_turn() comes last.

#include <memory>
#include <optional>

#include <switchboard/link/arming.hpp>
#include <switchboard/link/close_reason.hpp>
#include <switchboard/link/driver.hpp>
#include <switchboard/link/frame_reader.hpp>
#include <switchboard/link/limits.hpp>
#include <switchboard/link/outbound_queue.hpp>
#include <switchboard/link/state.hpp>
#include <switchboard/link/upper_layer.hpp>
#include <switchboard/net/transport.hpp>

namespace switchboard::link {

/// How much time a link has for its orderly end.
struct orderly_close {
  close_reason reason = close_reason::failed;
  std::chrono::milliseconds flush{0};                 ///< until queued output must have left
  std::optional<std::chrono::milliseconds> linger{};  ///< then, for the peer's end; what is left of `flush` where unset
};

class frame_link {
public:
  /// `upper`, `by`, `within` and `figures` live longer than the link.
  frame_link(upper_layer& upper, driver& by, const limits& within, std::unique_ptr<net::transport> transport,
             const link_metrics& figures = link_metrics::none());

  /// Begins the handshake and registers the socket. Once, before anything else.
  void start();

  // From the driver's owner; see link/driver.hpp.

  void on_ready(notify::event events);
  void on_turn();
  void on_deadline();
  void on_registration_closed();
  /// Writes what was queued, unless more is about to be, takes the next step of an orderly close, and arms.
  void end_turn();

  // From the upper layer.

  /// Frames to the peer. Nothing is to be queued unless may_send(now()).
  outbound_queue& output() noexcept { return output_; }
  /// Whether stream messages are better left where they are: while the socket takes nothing they would only wait here.
  bool output_full() const noexcept {
    return arming_.write_blocked() || output_.bytes() >= limits_.outbound_high_bytes;
  }
  /// Sends what is queued, then ends; at once where the connection is not made yet. Where the link is ending already, it is to
  /// end no later than this says.
  void finish(const orderly_close& how);
  /// Ends at once: what is queued is dropped. `why` where there is more to say than the reason.
  void close(close_reason reason, std::error_code why = {});

  state now() const noexcept { return life_.now(); }
  /// What it keeps in either direction.
  std::size_t held_bytes() const noexcept { return input_.held_bytes() + output_.held_bytes(); }
  /// @pre not closed
  const net::transport& transport() const noexcept { return *transport_; }

private:
  void shake_hands();
  void read();
  void decode();
  void write();
  void step_orderly_close();
  void update_reading();

  upper_layer& upper_;
  driver& driver_;
  const limits& limits_;
  std::unique_ptr<net::transport> transport_;
  frame_reader input_;
  outbound_queue output_;
  arming arming_;
  lifecycle life_;
  struct {
    orderly_close how;
    clock::time_point flush_until{};
  } end_;
  bool turn_queued_ = false;
};

}  // namespace switchboard::link
