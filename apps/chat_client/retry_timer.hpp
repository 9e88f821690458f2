#pragma once

/// When something that failed may be tried again: at once to begin with, and after a longer pause with every failure.
/// Threads    a value.

#include <switchboard/client/backoff.hpp>

namespace switchboard::chat_client {

class retry_timer {
public:
  explicit retry_timer(client::backoff pauses) noexcept : pauses_(pauses) {}

  bool is_due(client::deadline now = client::clock::now()) const noexcept { return now >= due_; }
  /// The attempt failed. @return when the next one is due.
  client::deadline postpone() { return due_ = client::within(pauses_.next()); }
  /// The circumstances have changed: the next attempt is due at once. The pauses stay as long as they were.
  void expire() noexcept { due_ = client::deadline::min(); }
  /// The attempt succeeded: pauses begin short again.
  void reset() noexcept {
    expire();
    pauses_.reset();
  }

private:
  client::backoff pauses_;
  client::deadline due_ = client::deadline::min();
};

}  // namespace switchboard::chat_client
