#pragma once

/// Drives the link of a thread that waits, by poll(2).
///
/// Why        such a thread waits for other things as well, a terminal, a pipe or a file, which no notification port takes
///            (N2); one descriptor in one thread needs none.
/// Threads    one at a time.
/// Owns       nothing of the system's.

#include <optional>
#include <span>

#include <switchboard/client/deadline.hpp>
#include <switchboard/link/driver.hpp>

namespace switchboard::client {

class poll_driver final : public link::driver {
public:
  struct [[nodiscard]] readiness {
    notify::event socket = notify::event::none;  ///< for on_ready(); the arm is used up
    bool other = false;                          ///< one of the descriptors
  };
  /// Waits until the socket is ready as it is armed, one of `others` can be read, a signal comes, or `until`.
  readiness wait(deadline until, std::span<const int> others);
  /// Whether on_turn() is due.
  bool take_turn() noexcept;
  /// Whether on_deadline() is due.
  bool take_deadline(deadline at) noexcept;
  /// When it will be; now where a turn is queued.
  deadline wake_at() const noexcept;

  std::error_code open(net::socket_handle socket, notify::interest first) override;
  std::error_code arm(notify::interest filter, notify::hint known) noexcept override;
  bool remove() noexcept override;
  void set_deadline(clock::time_point at) override { deadline_ = at; }
  void cancel_deadline() noexcept override { deadline_.reset(); }
  bool has_deadline() const noexcept override { return deadline_.has_value(); }
  clock::time_point now() const noexcept override { return clock::now(); }
  void queue_turn() override { turn_queued_ = true; }
  bool has_more() const noexcept override { return false; }

private:
  std::optional<net::socket_handle> socket_;
  notify::interest armed_for_ = notify::interest::none;
  std::optional<deadline> deadline_;
  bool turn_queued_ = false;
};

}  // namespace switchboard::client
