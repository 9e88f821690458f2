#include <switchboard/link/close_reason.hpp>

namespace switchboard::link {

const char* to_string(close_reason reason) noexcept {
  switch (reason) {
    case close_reason::end_of_stream:
      return "end_of_stream";
    case close_reason::ended_by_peer:
      return "ended_by_peer";
    case close_reason::protocol_error:
      return "protocol_error";
    case close_reason::drained:
      return "drained";
    case close_reason::stopped:
      return "stopped";
    case close_reason::reset:
      return "reset";
    case close_reason::peer_lost:
      return "peer_lost";
    case close_reason::slow_to_flush:
      return "slow_to_flush";
    case close_reason::refused:
      return "refused";
    case close_reason::handshake_failed:
      return "handshake_failed";
    case close_reason::handshake_timeout:
      return "handshake_timeout";
    case close_reason::authentication_timeout:
      return "authentication_timeout";
    case close_reason::frame_timeout:
      return "frame_timeout";
    case close_reason::idle:
      return "idle";
    case close_reason::memory_max:
      return "memory_max";
    case close_reason::failed:
      return "failed";
  }
  return "unknown";
}

}  // namespace switchboard::link
