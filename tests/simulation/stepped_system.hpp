#pragma once

/// An actor system whose actors run on the caller's thread, one at a time, in an order that dice choose: any order that
/// the threads of a real scheduler could have.
///
/// Threads    one.
/// Owns       the actor system.

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include <switchboard/simulated/dice.hpp>

namespace switchboard::simulation {

class stepped_system {
public:
  /// @pre `order` outlives it
  explicit stepped_system(simulated::dice& order) : order_(order), actors_(config_) {}

  caf::actor_system& actors() noexcept { return actors_; }
  /// Actors that have not ended.
  std::size_t running() { return actors_.registry().running(); }

  /// Has some of the actors that have something to do, do it. Whether there were any.
  bool run_some();
  /// Has all of them do it, until none has anything to do.
  void run_all();

private:
  struct config : caf::actor_system_config {
    config();
  };

  simulated::dice& order_;
  config config_;
  caf::actor_system actors_;
};

}  // namespace switchboard::simulation
