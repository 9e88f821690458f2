#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include <poll.h>

#include <switchboard/client/poll_driver.hpp>

namespace switchboard::client {
namespace {

using notify::event;
using notify::interest;

/// Milliseconds, rounded up so that the time has come when poll returns; -1 for ever.
int timeout_until(deadline until) {
  if (until == deadline::max()) return -1;
  const auto now = clock::now();
  if (until <= now) return 0;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now).count();
  return static_cast<int>(std::min<std::int64_t>(left, std::numeric_limits<int>::max()));
}

/// The peer's end is only noticed by reading: where that is not wanted, nor is its end.
short events_of(interest filter) {
  return static_cast<short>((has(filter, interest::in) ? POLLIN : 0) | (has(filter, interest::out) ? POLLOUT : 0));
}

event happened(short events) {
  auto all = event::none;
  if (events & POLLIN) all |= event::in;
  if (events & POLLOUT) all |= event::out;
  if (events & POLLHUP) all |= event::hangup;
  if (events & (POLLERR | POLLNVAL)) all |= event::err;
  return all;
}

}  // namespace

poll_driver::readiness poll_driver::wait(deadline until, std::span<const int> others) {
  std::vector<pollfd> watched;
  // Negative descriptors are skipped: poll(2) reports a peer that is gone even where no event is asked for.
  const bool armed = socket_ && armed_for_ != interest::none;
  watched.push_back({armed ? static_cast<int>(*socket_) : -1, events_of(armed_for_), 0});
  for (const auto each : others) watched.push_back({each, POLLIN, 0});
  if (::poll(watched.data(), watched.size(), timeout_until(until)) <= 0) return {};
  readiness ready;
  ready.socket = happened(watched[0].revents);
  if (ready.socket != event::none) armed_for_ = interest::none;
  ready.other = std::any_of(watched.begin() + 1, watched.end(), [](const pollfd& each) { return each.revents != 0; });
  return ready;
}

bool poll_driver::take_turn() noexcept {
  return std::exchange(turn_queued_, false);
}

bool poll_driver::take_deadline(deadline at) noexcept {
  if (!deadline_ || at < *deadline_) return false;
  deadline_.reset();
  return true;
}

deadline poll_driver::wake_at() const noexcept {
  return turn_queued_ ? no_wait : deadline_.value_or(deadline::max());
}

std::error_code poll_driver::open(net::socket_handle socket, interest first) {
  socket_ = socket;
  armed_for_ = first;
  return {};
}

std::error_code poll_driver::arm(interest filter, notify::hint) noexcept {
  armed_for_ = filter;
  return {};
}

bool poll_driver::remove() noexcept {
  socket_.reset();
  turn_queued_ = false;
  return false;
}

}  // namespace switchboard::client
