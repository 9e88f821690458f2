#include <algorithm>
#include <utility>

#include <switchboard/client/thread_driver.hpp>
#include <switchboard/error/invariant.hpp>

namespace switchboard::client {
namespace {

/// Handlers run while their channel is driven, and must not drive it themselves.
class driving_scope {
public:
  explicit driving_scope(bool& driving) : driving_(driving) {
    SWITCHBOARD_INVARIANT(!driving_, "a channel was driven by a handler that it called");
    driving_ = true;
  }
  ~driving_scope() { driving_ = false; }
  driving_scope(const driving_scope&) = delete;
  driving_scope& operator=(const driving_scope&) = delete;

private:
  bool& driving_;
};

}  // namespace

thread_driver::thread_driver(net::endpoint to, channel_options options)
    : options_(std::move(options)), core_(*this, driver_, std::move(to), options_) {}

bool thread_driver::advance(deadline until) {
  const driving_scope scope{driving_};
  if (step(no_wait, {}).moved) return true;
  while (clock::now() < until && !idle())
    if (step(until, {}).moved) return true;
  return false;
}

drive_outcome thread_driver::drive_until(const std::function<bool()>& done, deadline until,
                                         std::span<const int> readable) {
  const driving_scope scope{driving_};
  for (auto patience = no_wait;; patience = until) {
    const auto came = step(patience, readable);
    if (done()) return drive_outcome::done;
    if (came.readable) return drive_outcome::readable;
    if (clock::now() >= until || (idle() && readable.empty())) return drive_outcome::over;
  }
}

thread_driver::step_result thread_driver::step(deadline until, std::span<const int> readable) {
  const auto now = clock::now();
  step_result came;
  came.moved = run_timers(now);
  came.moved |= core_.look_at_time();
  came.moved |= run_link(now);
  core_.end_turn();
  const auto ready = driver_.wait(came.moved ? no_wait : std::min(until, wake_at()), readable);
  came.readable = ready.other;
  if (ready.socket == notify::event::none) return came;
  came.moved = true;
  core_.link()->on_ready(ready.socket);
  core_.end_turn();
  return came;
}

bool thread_driver::run_timers(deadline now) {
  // Those that are due now: one that sets another, for at once, leaves the others their turn.
  std::vector<std::function<void()>> due;
  while (!timers_.empty() && timers_.begin()->first <= now)
    due.push_back(std::move(timers_.extract(timers_.begin()).mapped()));
  for (const auto& each : due) each();
  return !due.empty();
}

bool thread_driver::run_link(deadline now) {
  if (!core_.link()) return false;
  const bool turn = driver_.take_turn();
  if (turn) core_.link()->on_turn();
  const bool late = driver_.take_deadline(now);
  if (late) core_.link()->on_deadline();
  return turn || late;
}

/// Whether nothing can happen any more.
bool thread_driver::idle() noexcept {
  return !core_.link() && wake_at() == deadline::max();
}

deadline thread_driver::wake_at() const noexcept {
  const auto nearest = std::min(core_.wake_at(), driver_.wake_at());
  return timers_.empty() ? nearest : std::min(nearest, timers_.begin()->first);
}

void thread_driver::push() {
  if (!driving_) core_.end_turn();
}

void thread_driver::dial(const net::endpoint& to) {
  auto& network = options_.network ? *options_.network : net::system_network();
  core_.dialed(network.connect(to));
}

void thread_driver::on_connected() {
  if (events_.on_connected) events_.on_connected();
}

void thread_driver::on_lost(const rpc::status& why, std::optional<clock::duration> pause) {
  if (events_.on_lost) events_.on_lost(why, pause);
}

}  // namespace switchboard::client
