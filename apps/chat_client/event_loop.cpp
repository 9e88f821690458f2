#include "event_loop.hpp"

#include <algorithm>
#include <limits>

#include <poll.h>

namespace switchboard::chat_client {
namespace {

/// For poll: milliseconds, rounded up so that the time has come when it returns; -1 for ever.
int timeout_until(client::deadline at) {
  if (at == client::deadline::max()) return -1;
  const auto now = client::clock::now();
  if (at <= now) return 0;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(at - now).count();
  return static_cast<int>(std::min<std::int64_t>(left, std::numeric_limits<int>::max()));
}

}  // namespace

bool event_loop::until_readable(int descriptor) {
  while (true) {
    session_.advance();
    if (over()) return false;
    if (wait(descriptor) == woke::input) return true;
  }
}

bool event_loop::until(const std::function<bool()>& done) {
  while (true) {
    session_.advance();
    if (done()) return true;
    if (over()) return false;
    wait(-1);
  }
}

event_loop::woke event_loop::wait(int descriptor) {
  const auto socket = session_.socket();
  // poll(2) passes over negative descriptors.
  pollfd watched[2] = {{descriptor, POLLIN, 0}, {socket ? static_cast<int>(*socket) : -1, POLLIN, 0}};
  if (session_.wants_write()) watched[1].events |= POLLOUT;
  const int ready = poll(watched, 2, timeout_until(std::min(session_.wake_at(), until_)));
  return ready > 0 && watched[0].revents != 0 ? woke::input : woke::step;
}

}  // namespace switchboard::chat_client
