#pragma once

/// When a client connects, and connects again.
///
/// Why        a thread that waits and an actor connect by the same rules: an attempt has a time limit, pauses grow as
///            attempts come to nothing (backoff.hpp), and only a server that has said something has proven to be there:
///            one that accepts and closes again is paused for as one that is away.
/// Threads    a value with its own state; one at a time.
///
///     phase       next        when
///     resting     connecting  begin(): the pause is over
///     connecting  connected   connected()
///     connecting  resting     lost(), where another attempt follows
///     connected   resting     lost(), likewise
///     any         ended       lost() without reconnecting, end()

#include <chrono>
#include <optional>

#include <switchboard/client/backoff.hpp>
#include <switchboard/client/deadline.hpp>

namespace switchboard::client {

class connector {
public:
  enum class phase : unsigned char { resting, connecting, connected, ended };

  /// Without `reconnect` the first connection is the last.
  connector(std::optional<backoff> reconnect, clock::duration connect_timeout)
      : reconnect_(std::move(reconnect)), timeout_(connect_timeout) {}

  phase now() const noexcept { return phase_; }
  bool is(phase wanted) const noexcept { return phase_ == wanted; }
  bool reconnects() const noexcept { return reconnect_.has_value(); }

  /// True: an attempt is to be made now.
  bool begin(deadline at);
  /// Whether the attempt has taken too long; lost() is to follow.
  bool late(deadline at) const noexcept { return phase_ == phase::connecting && at >= wake_at_; }
  void connected();
  /// The server has said something.
  void proven();
  /// The connection, or the attempt to make one, is over.
  void lost(deadline at);
  /// No connection any more.
  void end();

  /// When begin() or late() will be true; max: not by waiting.
  deadline wake_at() const noexcept { return wake_at_; }

private:
  std::optional<backoff> reconnect_;
  clock::duration timeout_;
  phase phase_ = phase::resting;
  deadline wake_at_ = deadline::min();
};

}  // namespace switchboard::client
