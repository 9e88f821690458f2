#pragma once

/// A message to another actor, of a type that only its mailbox understands.
/// Threads    the sender's.

#include <utility>

#include <caf/actor_control_block.hpp>
#include <caf/local_actor.hpp>

#include <switchboard/pump/message_element.hpp>

namespace switchboard::actors {

/// On the sender's execution unit: `whom` runs on the same worker if that has nothing better to do. Null gets nothing.
template <class Message>
void tell(caf::local_actor& from, const caf::strong_actor_ptr& whom, Message&& message) {
  if (whom) whom->enqueue(make_message_element(std::forward<Message>(message)), from.context());
}

}  // namespace switchboard::actors
