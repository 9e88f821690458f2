#pragma once

/// The actor in which one service's object lives.
///
///     message              from         effect
///     rpc::calls           connections  each call's handler runs; the answers go back as one message
///     rpc::end_notice      connections  is passed on to its watcher
///     (the service's own)  anybody      see rpc/service.hpp
///
/// Threads    an actor.
/// Owns       the service's object, from its start to its end. Calls the object still holds at the end answer UNAVAILABLE.
/// Errors     what a call's handler throws is logged; that call answers INTERNAL. What the service's other handlers throw ends
///            the actor, and the broker starts a new one.

#include <memory>

#include <caf/event_based_actor.hpp>

#include <switchboard/actors/service_directory.hpp>
#include <switchboard/rpc/call_batch.hpp>

namespace switchboard {

class service_host : public caf::event_based_actor {
public:
  /// `directory` keeps the definition alive.
  service_host(caf::actor_config& config, std::shared_ptr<const service_directory> directory,
               const rpc::service_definition& definition);

  const char* name() const override { return "switchboard.service"; }
  void on_exit() override;

protected:
  caf::behavior make_behavior() override;

private:
  void serve(rpc::calls& calls);

  const std::shared_ptr<const service_directory> directory_;
  const rpc::service_definition& definition_;
  std::shared_ptr<void> service_;
};

}  // namespace switchboard
