#pragma once

/// An actor that gives its most frequent messages to their handlers itself.
///
///     bool deliver(caf::mailbox_element& message) override {
///       if (auto* const ready = content_of<socket_ready>(message)) return on(*ready), true;
///       return false;
///     }
///
/// Why        CAF 0.17 spends some 1,500 instructions on a message beside its handler: rounds over four queues, categories, one
///            attempt after the other at the cases of a behavior, a response promise, timeouts. That is more than most
///            handlers of a server take, and a call takes three messages.
/// How        what make_message_element() made knows its type. Every other message, CAF's own among them, goes the way that it
///            goes in any of CAF's actors; all in the order in which they came, urgent ones first. Where there is an urgent one
///            the turn is CAF's.
/// Threads    as any actor.
/// Errors     what deliver() throws is given to the actor's exception handler, as CAF does it.
/// Limits     receive timeouts (caf::after) are not supported.

#include <cstddef>

#include <caf/event_based_actor.hpp>
#include <caf/mailbox_element.hpp>

#include <switchboard/pump/message_element.hpp>

namespace switchboard {

class direct_actor : public caf::event_based_actor {
public:
  using caf::event_based_actor::event_based_actor;

  resume_result resume(caf::execution_unit* on, std::size_t messages_max) override;
  caf::invoke_message_result consume(caf::mailbox_element& message) override;

protected:
  /// Handles a message of a frequent type. False: it is of another, which the behavior is to handle.
  virtual bool deliver(caf::mailbox_element& message) = 0;

private:
  bool handle(caf::mailbox_element_ptr message);
};

}  // namespace switchboard
