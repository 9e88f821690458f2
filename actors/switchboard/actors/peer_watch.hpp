#pragma once

/// Finds out whether the system of a client that was sent something still answers.
///
///     all is acknowledged          →  nothing to watch, until something is sent again
///     it answers, or has no room   →  looked at again
///     it answers nothing           →  lost, after limits::peer_timeout
///
/// Why        keepalive probes only a connection on which nothing is outstanding, and the system repeats what is for a
///            quarter of an hour: for as long a member who is gone would stay in its rooms. TCP_USER_TIMEOUT is sooner, but
///            takes a client that is alive and reads nothing for gone; such a client lags, and is not disturbed.
/// Threads    the connection's.
/// Owns       its deadline.

#include <cstdint>

#include <caf/event_based_actor.hpp>

#include <switchboard/actors/connection_environment.hpp>
#include <switchboard/link/frame_link.hpp>

namespace switchboard::actors {

class peer_watch {
public:
  /// Of its deadlines; the link's are multiples of 4, those of calls odd.
  static constexpr std::uint64_t tag = 10;

  /// All live longer.
  peer_watch(caf::event_based_actor& connection, const connection_environment& environment,
             link::frame_link& over) noexcept
      : connection_(connection), environment_(environment), link_(over) {}

  /// At the end of a turn, @pre the link is live: begins to watch where something was sent since the last time.
  void note_sent() {
    const auto sent = link_.output().sent();
    if (sent == sent_) return;
    sent_ = sent;
    if (deadline_ == deadline_id::none) start();
  }
  void stop() noexcept;
  /// When the deadline has come: whether the client is lost. While there is something to watch, another follows.
  bool finds_it_lost();

private:
  void start();

  caf::event_based_actor& connection_;
  const connection_environment& environment_;
  link::frame_link& link_;
  std::uint64_t sent_ = 0;  ///< by the end of the last turn
  deadline_id deadline_ = deadline_id::none;
};

}  // namespace switchboard::actors
