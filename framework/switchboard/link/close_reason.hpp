#pragma once

/// Why a connection ended: every end has one reason, which is counted and logged once.
/// Threads    values.

#include <cstddef>

namespace switchboard::link {

enum class close_reason : unsigned char {
  end_of_stream,           ///< the peer ended its stream, and was answered
  ended_by_peer,           ///< a status on call 0
  protocol_error,          ///< the peer broke the protocol and was sent a status
  drained,                 ///< this side stopped, in order
  stopped,                 ///< this side stopped at once
  reset,                   ///< the connection broke
  peer_lost,               ///< the peer's system answers nothing any more
  slow_to_flush,           ///< the peer did not read the last output in time
  refused,                 ///< the registration failed
  handshake_failed,        ///< the connection could not be made
  handshake_timeout,       ///< the connection was not made in time
  authentication_timeout,  ///< the client did not authenticate in time
  frame_timeout,           ///< the peer did not finish a frame in time
  idle,                    ///< the peer sent nothing, and did not answer a ping
  memory_max,              ///< the server's memory was short, and this link's peer made it hold most
  failed,                  ///< an internal error
};
inline constexpr std::size_t close_reasons = static_cast<std::size_t>(close_reason::failed) + 1;
/// The enumerator's name, which the log and the figures show.
const char* to_string(close_reason reason) noexcept;

}  // namespace switchboard::link
