#pragma once

/// The actor in which one service's object lives.
///
///     message              from         effect
///     rpc::resume_calls    connections  calls that were held back for a full reply backlog go on
///     rpc::calls           connections  each call's handler runs; the answers go back as one message
///     rpc::end_notice      connections  is passed on to its watcher
///     (the service's own)  anybody      see rpc/service.hpp
///
/// Threads    an actor.
/// Owns       the service's object, from its start to its end. Calls the object still holds at the end answer
///            UNAVAILABLE.
/// Errors     what a call's handler throws is logged; that call answers INTERNAL. What the service's other handlers
///            throw ends the actor, and the broker starts a new one.

#include <deque>
#include <memory>
#include <unordered_map>

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
  void on_calls(rpc::calls& calls);
  /// Runs what it can; false where the caller's backlog is full first.
  bool serve(rpc::calls& calls);
  void resume(std::uint64_t caller);

  const std::shared_ptr<const service_directory> directory_;
  const rpc::service_definition& definition_;
  std::shared_ptr<void> service_;
  /// By caller, in order. A caller with a full backlog stops reading too, so it has few batches here.
  std::unordered_map<std::uint64_t, std::deque<rpc::calls>> held_back_;
};

}  // namespace switchboard
