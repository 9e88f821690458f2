#include <switchboard/error/invariant.hpp>
#include <switchboard/link/state.hpp>

namespace switchboard::link {

bool may_follow(state now, state next) noexcept {
  switch (next) {
    case state::handshaking:
      return false;
    case state::open:
      return now == state::handshaking;
    case state::half_closed:
    case state::flushing:
      return now == state::open;
    case state::lingering:
      return now == state::flushing;
    case state::last_flush:
      return now == state::half_closed || now == state::flushing;
    case state::closing:
      return is_live(now);
    case state::closed:
      return now == state::closing;
  }
  return false;
}

void lifecycle::to(state next) noexcept {
  SWITCHBOARD_INVARIANT(may_follow(now_, next), "a link made a transition that its table does not have");
  now_ = next;
}

}  // namespace switchboard::link
