#pragma once

/// Actors made of their handlers, for tests that play a part themselves.
///
/// Why        CAF 0.17's spawn() of a function without arguments looks at what an empty pointer points to, which a checked
///            standard library ends.
/// Threads    as caf::actor_system::spawn.
/// Owns       the actor its handlers.

#include <utility>

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>

namespace switchboard::testkit {

class acting : public caf::event_based_actor {
public:
  acting(caf::actor_config& config, caf::behavior handlers)
      : caf::event_based_actor(config), handlers_(std::move(handlers)) {}

protected:
  caf::behavior make_behavior() override { return std::move(handlers_); }

private:
  caf::behavior handlers_;
};

inline caf::actor spawn_acting(caf::actor_system& system, caf::behavior handlers) {
  return system.spawn<acting>(std::move(handlers));
}

}  // namespace switchboard::testkit
