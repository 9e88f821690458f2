#pragma once

/// The actor in which one service's object lives.
///
///     message              from         effect
///     rpc::calls           connections  each call's handler runs, the answers go back as one message; watchers are
///                                       notified of the ends among them
///     rpc::resume_calls    connections  calls that were held back while their client did not read go on
///                          itself       calls that were held back when the time slice was over go on
///     rpc::stream_turn     streams      handlers of a stream run
///     deadline_expired     pump         a timer's handler runs
///     (typed messages)     actors       a method's handler runs, as for a call (rpc::signature)
///     (the service's own)  any actor    see rpc/service.hpp
///
/// Turns      the actor gives its thread back after a time slice of about a millisecond, whatever waits in its mailbox;
///            the calls of a connection that are left then come after those of others. Each connection's calls and ends
///            keep their order. Calls that wait do not run when their client has cancelled them, when their deadline has
///            passed, or when the connection is gone.
/// Threads    an actor.
/// Owns       the service's object, from its start to its end. Calls the object still holds at the end answer
///            UNAVAILABLE.
/// Errors     what a handler of a call, stream or timer throws is logged; its call answers INTERNAL. What the service's
///            other handlers throw ends the actor, and the broker starts a new one.

#include <chrono>
#include <deque>
#include <memory>
#include <unordered_map>
#include <unordered_set>

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/message_handler.hpp>
#include <caf/typed_actor.hpp>

#include <switchboard/rpc/answers.hpp>
#include <switchboard/rpc/call_batch.hpp>
#include <switchboard/rpc/protobuf_message.hpp>
#include <switchboard/rpc/service.hpp>
#include <switchboard/rpc/service_actor.hpp>

namespace switchboard::actors {

class service_host : public rpc::service_actor {
public:
  service_host(caf::actor_config& config, std::shared_ptr<notification_pump> pump,
               std::shared_ptr<const rpc::service_definition> definition);

  /// How long the actor keeps its thread, and how many calls, or messages, it handles between two looks at the clock.
  static constexpr std::chrono::milliseconds time_slice{1};
  static constexpr std::size_t calls_between_looks = 8;

  const char* name() const override { return "switchboard.service"; }
  /// CAF ends an actor's turn after a number of messages; this one's ends with its time slice too.
  resume_result resume(caf::execution_unit* on, std::size_t messages_max) override;
  void on_exit() override;

protected:
  caf::behavior make_behavior() override;
  bool deliver(caf::mailbox_element& message) override;
  void failed(std::string_view method, const char* what) noexcept override;

private:
  /// How much of the time slice is used. Before the second call nothing asks the clock, so that single calls cost none.
  class slice_clock {
  public:
    explicit slice_clock(const notification_pump& clock) noexcept : clock_(clock) {}
    void start() noexcept {
      asked_ = 0;
      over_ = false;
    }
    /// Asked before each call. Once it is over it stays so until the next start.
    bool is_over();

  private:
    const notification_pump& clock_;
    std::size_t asked_ = 0;
    bool over_ = false;
    notification_pump::clock::time_point ends_at_{};
  };

  /// What waits of one connection, in order; one resume_calls is to come.
  struct held_back {
    std::deque<rpc::calls> batches;
    std::unordered_set<std::uint64_t> ended;  ///< calls whose end is among the batches
  };

  void on_calls(rpc::calls& calls);
  void hold_back(rpc::calls& calls, held_back& behind);
  /// Runs what it can; false where the slice is over or the caller's allowance is used up first: resume_calls comes then.
  /// `ended`: calls that are not to be run, where any were held back.
  bool serve(rpc::calls& calls, std::unordered_set<std::uint64_t>* ended);
  void resume_calls_of(std::uint64_t caller);
  void deliver(rpc::end_notice& notice);

  const std::shared_ptr<const rpc::service_definition> definition_;
  std::shared_ptr<void> service_;
  caf::message_handler messages_;  ///< the service's own
  slice_clock slice_;
  std::unordered_map<std::uint64_t, held_back> held_back_;  ///< by caller
};

/// Starts a service as an actor of `system`, without a server: actors of this process call it with typed messages.
template <class Service>
typename Service::actor spawn(caf::actor_system& system, std::shared_ptr<notification_pump> pump,
                              rpc::service_definition definition) {
  return caf::actor_cast<typename Service::actor>(system.spawn<service_host>(
      std::move(pump), std::make_shared<const rpc::service_definition>(std::move(definition))));
}

}  // namespace switchboard::actors
