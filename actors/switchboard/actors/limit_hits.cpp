#include <switchboard/actors/limit_hits.hpp>

namespace switchboard::actors {

limit_monitor* limit_hits::of(link::close_reason reason) noexcept {
  switch (reason) {
    case link::close_reason::handshake_timeout:
      return &handshake_timeout;
    case link::close_reason::authentication_timeout:
      return &authentication_timeout;
    case link::close_reason::frame_timeout:
      return &frame_timeout;
    case link::close_reason::idle:
      return &idle_timeout;
    case link::close_reason::peer_lost:
      return &peer_timeout;
    case link::close_reason::memory_max:
      return &memory_max;
    case link::close_reason::slow_to_flush:
      return &flush_timeout;
    default:
      return nullptr;
  }
}

}  // namespace switchboard::actors
