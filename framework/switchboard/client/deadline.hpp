#pragma once

/// When an operation of a client gives up. Every operation that could wait takes one; one that has passed makes it do
/// what it can at once and not wait, so a program with a loop of its own uses the same operations.

#include <chrono>
#include <cstdint>

#include <switchboard/notify/notification_port.hpp>

namespace switchboard::client {

using clock = notify::notification_port::clock;
using deadline = clock::time_point;

/// The moment that is `span` from now.
deadline within(clock::duration span) noexcept;
/// What is left from `now` until `until` as a frame's timeout_ms, rounded up so that the server never gives up first; 0:
/// no deadline.
std::uint32_t timeout_ms(deadline until, deadline now = clock::now()) noexcept;
/// Passed already: an operation with it never waits.
inline constexpr deadline no_wait = deadline::min();

}  // namespace switchboard::client
