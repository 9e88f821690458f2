#pragma once

/// What callers hold of an actor stub: passes what it is sent to the channel's actor, on the sender's thread.
///
/// Why        the pump keeps the connection's actor, so that one does not notice when its last user is gone; this one
///            ends with its last handle, and the connection with it. And only the sender's thread knows for which call
///            a call is made, whose deadline and trace context it inherits.
/// Threads    any.
/// Owns       the connection's actor.
/// Errors     after the end the connection's actor answers: UNAVAILABLE, and why.

#include <caf/actor_control_block.hpp>
#include <caf/monitorable_actor.hpp>

namespace switchboard::client {

class stub_handle final : public caf::monitorable_actor {
public:
  stub_handle(caf::actor_config& config, caf::strong_actor_ptr channel);

  const char* name() const override { return "switchboard.stub_handle"; }
  void enqueue(caf::mailbox_element_ptr what, caf::execution_unit* context) override;
  void on_destroy() override;

protected:
  void on_cleanup(const caf::error& reason) override;

private:
  const caf::strong_actor_ptr channel_;
};

}  // namespace switchboard::client
