#include <utility>

#include <switchboard/actors/idle_watch.hpp>

namespace switchboard::actors {

void idle_watch::start() {
  const auto limit = environment_.limits.idle_timeout;
  if (limit.count() == 0) return;
  auto& pump = *environment_.pump;
  deadline_ = pump.schedule(pump.now() + limit, caf::strong_actor_ptr{connection_.ctrl()}, tag);
}

void idle_watch::stop() noexcept {
  if (deadline_ != deadline_id::none) environment_.pump->cancel(std::exchange(deadline_, deadline_id::none));
}

idle_watch::verdict idle_watch::look() {
  deadline_ = deadline_id::none;
  const bool was_asked = std::exchange(asked_, !heard_);
  if (!std::exchange(heard_, false) && was_asked) return verdict::gone;
  start();
  return asked_ ? verdict::ask : verdict::alive;
}

}  // namespace switchboard::actors
