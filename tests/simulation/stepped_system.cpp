#include "stepped_system.hpp"

#include <caf/scheduler/test_coordinator.hpp>

namespace switchboard::simulation {
namespace {

/// Messages an actor handles before another gets its turn.
constexpr std::size_t messages_per_turn = 4;
/// Turns of one run_some() at most.
constexpr std::uint64_t turns_limit = 4;

caf::scheduler::test_coordinator& scheduler_of(caf::actor_system& system) {
  return static_cast<caf::scheduler::test_coordinator&>(system.scheduler());
}

}  // namespace

stepped_system::config::config() {
  set("scheduler.policy", caf::atom("testing"));
  set("scheduler.max-throughput", messages_per_turn);
}

bool stepped_system::run_some() {
  auto& scheduler = scheduler_of(actors_);
  auto& jobs = scheduler.jobs;
  if (jobs.empty()) return false;
  for (auto turns = 1 + order_.below(turns_limit); turns > 0 && !jobs.empty(); --turns) {
    std::swap(jobs.front(), jobs[order_.below(jobs.size())]);
    scheduler.run_once();
  }
  return true;
}

void stepped_system::run_all() {
  scheduler_of(actors_).run();
}

}  // namespace switchboard::simulation
