#pragma once

/// What runs a link: it registers the link's socket, keeps its one deadline, and gives it its turns.
///
/// Why        an actor's registrations are the pump's and its turns are messages; a thread that waits has a port of its
///            own. The link is the same for both.
/// Threads    those of the link that it drives: one at a time.
/// Owns       the registration, never the socket: it is removed before the link closes the socket (N50).
/// Turns      for each of these the driver's owner calls the link's function of that name and then end_turn():
///            on_ready when the armed socket is ready, on_turn after queue_turn(), on_deadline when the deadline has come,
///            on_registration_closed when the registration that remove() was asked for has ended.

#include <chrono>
#include <system_error>

#include <switchboard/net/socket_handle.hpp>
#include <switchboard/notify/notification_port.hpp>

namespace switchboard::link {

using clock = notify::notification_port::clock;

class driver {
public:
  /// Registers `socket` and arms it for `first`: level-triggered, one-shot.
  virtual std::error_code open(net::socket_handle socket, notify::interest first) = 0;
  /// Arms again with the whole wanted filter (N6). `known`: what the link knows of its socket; a driver need not use it.
  virtual std::error_code arm(notify::interest filter, notify::hint known) noexcept = 0;
  /// Ends the registration. False: it has ended, or there is none, and on_registration_closed will not follow.
  virtual bool remove() noexcept = 0;

  /// Sets the deadline, in the place of an earlier one.
  virtual void set_deadline(clock::time_point at) = 0;
  virtual void cancel_deadline() noexcept = 0;
  virtual bool has_deadline() const noexcept = 0;
  virtual clock::time_point now() const noexcept = 0;

  /// Gives the link another turn after others had theirs.
  virtual void queue_turn() = 0;
  /// Whether another turn is about to follow, so that its output can leave together with this one's.
  virtual bool has_more() const noexcept = 0;

protected:
  ~driver() = default;
};

}  // namespace switchboard::link
