#pragma once

/// What networks and rude peers do to a connection. For tests: it calls the operating system past net on purpose.
/// Threads    one at a time: the channel's.

#include <system_error>

#include <sys/socket.h>

#include <switchboard/testkit/frame_channel.hpp>

namespace switchboard::testkit {

/// Ends the connection with a reset: data in flight is lost in both directions.
inline void reset(frame_channel channel) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  if (setsockopt(static_cast<int>(channel.handle()), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) != 0)
    throw std::system_error(errno, std::generic_category(), "SO_LINGER");
}

/// Makes the kernel keep little for a reader that does not read, so that its server notices soon.
inline void shrink_receive_buffer(frame_channel& channel, int bytes) {
  if (setsockopt(static_cast<int>(channel.handle()), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes) != 0)
    throw std::system_error(errno, std::generic_category(), "SO_RCVBUF");
}

}  // namespace switchboard::testkit
