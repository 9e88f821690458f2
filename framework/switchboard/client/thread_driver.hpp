#pragma once

/// Moves a channel on while a thread waits: connects, reads, writes, and lets time pass.
///
/// Threads    one at a time.
/// Owns       the channel's core and the timers. The channel and its streams share it.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <switchboard/client/channel_core.hpp>
#include <switchboard/client/driving.hpp>
#include <switchboard/client/poll_driver.hpp>

namespace switchboard::client {

class thread_driver final : private channel_owner {
public:
  thread_driver(net::endpoint to, channel_options options);

  channel_core& core() noexcept { return core_; }
  call_table& calls() noexcept { return core_.calls(); }
  /// Bytes that wait for the server to read them.
  std::size_t output_bytes() noexcept { return core_.link() ? core_.link()->output().bytes() : 0; }
  bool above_output_limit() noexcept { return output_bytes() > options_.limits.output_bytes_max; }
  void tell(connection_events whom) { events_ = std::move(whom); }

  /// Does what is possible, or waits until something is: false where nothing was until the deadline.
  bool advance(deadline until);
  drive_outcome drive_until(const std::function<bool()>& done, deadline until, std::span<const int> readable);
  /// Sends what is queued, as far as the connection takes it at once; for handlers, once they have returned.
  void push();
  /// Has `what` called while the channel is driven, once that time has come.
  void at(deadline when, std::function<void()> what) { timers_.emplace(when, std::move(what)); }

private:
  struct step_result {
    bool moved = false;
    bool readable = false;
  };
  step_result step(deadline until, std::span<const int> readable);
  bool run_timers(deadline now);
  bool run_link(deadline now);
  bool idle() noexcept;
  deadline wake_at() const noexcept;

  void dial(const net::endpoint& to) override;
  void on_connected() override;
  void on_lost(const rpc::status& why, std::optional<clock::duration> pause) override;

  const channel_options options_;
  poll_driver driver_;
  channel_core core_;
  std::multimap<deadline, std::function<void()>> timers_;
  connection_events events_;
  bool driving_ = false;
};

}  // namespace switchboard::client
