#include <utility>

#include <switchboard/actors/peer_watch.hpp>

namespace switchboard::actors {

void peer_watch::start() {
  const auto limit = environment_.limits.peer_timeout;
  if (limit.count() == 0) return;
  auto& pump = *environment_.pump;
  deadline_ = pump.schedule(pump.now() + limit, caf::strong_actor_ptr{connection_.ctrl()}, tag);
}

void peer_watch::stop() noexcept {
  if (deadline_ != deadline_id::none) environment_.pump->cancel(std::exchange(deadline_, deadline_id::none));
}

bool peer_watch::finds_it_lost() {
  deadline_ = deadline_id::none;
  const auto unanswered = link_.transport().unanswered_for();
  if (!unanswered) return false;
  if (*unanswered >= environment_.limits.peer_timeout) return true;
  start();
  return false;
}

}  // namespace switchboard::actors
