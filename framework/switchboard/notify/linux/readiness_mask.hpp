#pragma once

/// Interest and events in the bits of poll(2), which epoll(7) and io_uring(7) share.
/// Threads    any.

#include <cstdint>

#include <poll.h>

#include <switchboard/notify/notification_port.hpp>

namespace switchboard::notify {

constexpr std::uint32_t mask_of(interest filter, bool is_stream) noexcept {
  std::uint32_t events = 0;
  if (has(filter, interest::in)) events |= POLLIN;
  if (has(filter, interest::out)) events |= POLLOUT;
  // A datagram socket shut down for reading shows RDHUP too, and must not (N21).
  if (has(filter, interest::hangup) && is_stream) events |= POLLRDHUP;
  return events;
}

/// HUP alone is not translated: it cannot be masked, a TCP socket that never was connected shows it, and wherever a
/// stream really ended RDHUP accompanies it, as do IN and OUT.
constexpr event reportable(std::uint32_t happened, interest filter, bool is_stream) noexcept {
  auto events = event::none;
  if ((happened & POLLIN) && has(filter, interest::in)) events |= event::in;
  if ((happened & POLLOUT) && has(filter, interest::out)) events |= event::out;
  if ((happened & POLLRDHUP) && has(filter, interest::hangup) && is_stream) events |= event::hangup;
  if (happened & POLLERR) events |= event::err;
  return events;
}

}  // namespace switchboard::notify
