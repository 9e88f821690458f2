#pragma once

/// Drives a session while its owner waits for standard input, or for something that the session reports.
///
/// Threads    one.
/// Owns       nothing; the session outlives it.

#include "session.hpp"

#include <functional>
#include <span>

namespace switchboard::chat_client {

class event_loop {
public:
  event_loop(session& driven, client::deadline until) : session_(driven), until_(until) {}

  /// Drives the session until `descriptor` can be read: true; or until the loop was stopped or its deadline passed.
  bool until_readable(int descriptor);
  /// Drives the session until `done()` holds, asked after each step; or stopped or late: false.
  bool until(const std::function<bool()>& done);
  /// Ends the present and every later wait.
  void stop() noexcept { stopped_ = true; }
  bool stopped() const noexcept { return stopped_; }
  /// Whether the deadline ended it.
  bool late() const noexcept { return client::clock::now() >= until_; }

private:
  client::drive_outcome drive(const std::function<bool()>& done, std::span<const int> readable);

  session& session_;
  client::deadline until_;
  bool stopped_ = false;
};

}  // namespace switchboard::chat_client
