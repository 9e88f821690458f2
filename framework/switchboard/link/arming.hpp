#pragma once

/// The one arm of a link's registration, and what each direction of its transport waits for.
///
/// Why        one arm covers both directions (N6), while a transport's read may wait to write and its write to read:
///            what is wanted is computed afresh from both at the end of each turn, and asked for only if the present arm
///            does not cover it.
/// Threads    the link's.
/// Owns       nothing; the driver has the registration.
/// Invariant  a readiness counts once per arm: one that was on its way while the arm was widened finds none, or reports
///            what is still true.

#include <optional>
#include <system_error>

#include <switchboard/link/driver.hpp>
#include <switchboard/net/transport.hpp>

namespace switchboard::link {

class arming {
public:
  explicit arming(driver& at) noexcept : driver_(at) {}

  /// Registers the socket, armed for reading.
  std::error_code open(net::socket_handle socket, bool with_hangup);
  /// Arms for what a read waits for if `reading`, for what a write waits for if one does, and for the peer's end.
  std::error_code arm(bool reading, bool with_hangup) noexcept;
  /// Takes up a readiness; false where it belongs to no arm.
  bool fired(notify::event events) noexcept;
  /// Whether a read may go on after what fired last.
  bool read_fired() const noexcept;

  /// What a read (or a handshake, which takes its place), or a write, came back with.
  void note_read(const net::io_result& result) noexcept;
  void note_write(const net::io_result& result) noexcept;

  bool armed() const noexcept { return armed_for_.has_value(); }
  bool write_blocked() const noexcept { return write_waits_for_ != notify::interest::none; }
  /// The peer has ended its stream, or the connection is broken. Level-triggered it would fire for ever once seen.
  bool hangup_seen() const noexcept { return hangup_seen_; }
  void note_end_of_stream() noexcept { hangup_seen_ = true; }

private:
  notify::interest wanted(bool reading, bool with_hangup) const noexcept;

  driver& driver_;
  std::optional<notify::interest> armed_for_;
  notify::interest read_waits_for_ = notify::interest::in;
  notify::interest write_waits_for_ = notify::interest::none;  ///< none: a write may be tried
  notify::event fired_ = notify::event::none;
  bool hangup_seen_ = false;
  bool drained_ = false;  ///< the socket, by the last read since it fired
};

}  // namespace switchboard::link
