#pragma once

/// The actor in which one service's object lives.
///
///     message              from         effect
///     rpc::calls           connections  each call's handler runs; the answers go back as one message
///     rpc::resume_calls    connections  calls that were held back for a full reply backlog go on
///                          itself       calls whose turn was over go on
///     rpc::end_notice      connections  is passed on to its watcher
///     rpc::stream_turn     streams      handlers of a stream run
///     deadline_expired     pump         a timer's handler runs
///     (typed messages)     actors       a method's handler runs, as for a call (rpc::signature)
///     (the service's own)  anybody      see rpc/service.hpp
///
/// Turns      one connection's calls run for about a millisecond (turn_length), then those of others that wait in the
///            mailbox. Each connection's calls and ends keep their order. Calls of a connection that is gone do not run.
/// Threads    an actor.
/// Owns       the service's object, from its start to its end. Calls the object still holds at the end answer
///            UNAVAILABLE.
/// Errors     what a handler of a call, stream or timer throws is logged; its call answers INTERNAL. What the service's
///            other handlers throw ends the actor, and the broker starts a new one.

#include <chrono>
#include <deque>
#include <memory>
#include <unordered_map>
#include <variant>

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/message_handler.hpp>

#include <switchboard/rpc/call_batch.hpp>
#include <switchboard/rpc/service.hpp>

namespace switchboard {

class service_host : public rpc::service_actor {
public:
  service_host(caf::actor_config& config, std::shared_ptr<notification_pump> pump,
               std::shared_ptr<const rpc::service_definition> definition);

  /// How long calls of one connection run before those of others get their turn, and how many run between two looks at
  /// the clock.
  static constexpr std::chrono::milliseconds turn_length{1};
  static constexpr std::size_t calls_between_looks = 8;

  const char* name() const override { return "switchboard.service"; }
  void on_exit() override;

protected:
  caf::behavior make_behavior() override;
  void failed(std::string_view method, const char* what) noexcept override;

private:
  class turn;

  void on_calls(rpc::calls& calls);
  /// Runs what it can; false where the turn is over or the caller's backlog is full first: resume_calls comes then.
  bool serve(rpc::calls& calls, turn& within);
  void resume(std::uint64_t caller);
  /// An end that must not overtake calls of its caller.
  void pass_on(rpc::passed_end_notice& notice);
  void deliver(rpc::end_notice& notice);

  const std::shared_ptr<const rpc::service_definition> definition_;
  std::shared_ptr<void> service_;
  caf::message_handler messages_;  ///< the service's own
  using held_back = std::variant<rpc::calls, rpc::passed_end_notice>;
  /// By caller, in order; the first is a batch, and one resume_calls is to come. As many as a caller has open calls.
  std::unordered_map<std::uint64_t, std::deque<held_back>> held_back_;
};

/// Starts a service as an actor of `system`, without a server: actors of this process call it with typed messages.
template <class Service>
typename Service::actor spawn(caf::actor_system& system, std::shared_ptr<notification_pump> pump,
                              rpc::service_definition definition) {
  return caf::actor_cast<typename Service::actor>(system.spawn<service_host>(
      std::move(pump), std::make_shared<const rpc::service_definition>(std::move(definition))));
}

}  // namespace switchboard
