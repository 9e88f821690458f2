#pragma once

/// Actors stepped on one thread: an actor system that runs only when the test says so, with a pump on a scripted port.
///
/// Threads    one: the test's.
/// Owns       the port, the pump and the actor system.

#include <memory>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <switchboard/pump/notification_pump.hpp>
#include <switchboard/testkit/scripted_port.hpp>

namespace switchboard::testkit {

class stage {
public:
  /// Messages one actor handles before another gets its turn.
  static constexpr int messages_per_turn = 64;

  stage() = default;
  /// No handle may outlive the actor system, and deadlines and registrations hold some.
  ~stage() { pump_->stop(); }
  stage(const stage&) = delete;
  stage& operator=(const stage&) = delete;

  caf::actor_system& system() noexcept { return system_; }
  const std::shared_ptr<notification_pump>& pump() const noexcept { return pump_; }
  scripted_port& port() noexcept { return static_cast<scripted_port&>(pump_->port()); }

  /// Delivers packets and due deadlines and runs actors until there is nothing left to do.
  void settle() {
    do {
      while (take_turn()) continue;
    } while (pump_->serve(notify::notification_port::duration::zero()) > 0);
  }
  /// Moves the clock by that much, then does the same.
  void advance(notify::notification_port::duration by) {
    port().advance(by);
    settle();
  }

private:
  /// One actor's turn; false where none has anything to do. CAF's coordinator has an actor go on for as long as it has
  /// messages, of which one that sends itself some never runs out.
  bool take_turn() {
    auto& scheduler = static_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
    if (!scheduler.has_job()) return false;
    auto* const whose = scheduler.jobs.front();
    for (int handled = 0; handled < messages_per_turn && scheduler.has_job() && scheduler.jobs.front() == whose;
         ++handled)
      scheduler.run_once();
    if (scheduler.has_job() && scheduler.jobs.front() == whose) {
      scheduler.jobs.pop_front();
      scheduler.jobs.push_back(whose);
    }
    return true;
  }

  struct config : caf::actor_system_config {
    config() { set("scheduler.policy", caf::atom("testing")); }
  };

  config config_;
  std::shared_ptr<notification_pump> pump_ = notification_pump::create(std::make_unique<scripted_port>());
  caf::actor_system system_{config_};
};

}  // namespace switchboard::testkit
