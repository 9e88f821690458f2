#pragma once

/// In front of a service that has an actor for each connection, or for each key.
///
///     message              from         effect
///     rpc::calls           connections  goes as it is to the actor of its connection or key, made where there is none
///     down_msg             its actors   forgotten; the next call that needs one makes it anew
///     down_msg             connections  the connection's actor ends
///     exit                 broker       its actors end, then it does
///
/// Why        which actors there are is known in one place. A batch holds the calls of one connection, and of one key, so
///            it is neither opened nor copied, and calls and ends reach their actor in the order in which each connection
///            sent them.
/// Threads    an actor.
/// Owns       its actors, `actors_max` at most: a call that needs one more is answered RESOURCE_EXHAUSTED. An actor
///            that has nothing to keep may quit(); calls on their way to it then answer UNAVAILABLE.
/// Errors     an actor that fails is logged; calls it held answer UNAVAILABLE. A request that is not what the method
///            takes makes no actor.

#include <memory>
#include <string>
#include <unordered_map>

#include <caf/event_based_actor.hpp>

#include <switchboard/pump/notification_pump.hpp>
#include <switchboard/rpc/answers.hpp>
#include <switchboard/rpc/call_batch.hpp>
#include <switchboard/rpc/service.hpp>

namespace switchboard::actors {

class service_router : public caf::event_based_actor {
public:
  service_router(caf::actor_config& config, std::shared_ptr<notification_pump> pump,
                 std::shared_ptr<const rpc::service_definition> definition);

  const char* name() const override { return "switchboard.router"; }
  void on_exit() override;

protected:
  caf::behavior make_behavior() override;

private:
  void on_calls(rpc::calls& calls);
  caf::strong_actor_ptr actor_of_connection(const rpc::call_batch& calls);
  caf::strong_actor_ptr actor_of_key(rpc::call_batch& calls);
  void on_down(const caf::down_msg& down);
  void end(const caf::strong_actor_ptr& actor);
  void stop();
  caf::strong_actor_ptr find(const std::string& key) const;
  /// A new actor; null where there are too many already.
  caf::strong_actor_ptr make(const std::string& key);

  const std::shared_ptr<notification_pump> pump_;
  const std::shared_ptr<const rpc::service_definition> definition_;
  std::unordered_map<std::string, caf::strong_actor_ptr> actors_;  ///< by key; of a connection its number
  std::unordered_map<caf::actor_id, std::string> keys_;            ///< of its actors, and of the connections it watches
  bool stopping_ = false;
};

}  // namespace switchboard::actors
