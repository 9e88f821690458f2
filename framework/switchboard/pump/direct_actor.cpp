#include <utility>

#include <switchboard/pump/direct_actor.hpp>

namespace switchboard {

caf::resumable::resume_result direct_actor::resume(caf::execution_unit* on, std::size_t messages_max) {
  if (!activate(on)) return done;
  auto& urgent = get_urgent_queue();
  auto& normal = get_normal_queue();
  for (auto left = messages_max; left > 0; --left) {
    mailbox().fetch_more();
    caf::mailbox_element_ptr message;
    if (urgent.empty()) {
      normal.inc_deficit(1);
      message = normal.next();
    }
    if (message) {
      if (!handle(std::move(message))) return done;
    } else if (urgent.empty() && mailbox().try_block()) {
      return awaiting_message;
    } else {
      return caf::event_based_actor::resume(on, left);
    }
  }
  return resume_later;
}

/// False where the actor has ended.
bool direct_actor::handle(caf::mailbox_element_ptr message) {
  switch (reactivate(*message)) {
    case activation_result::terminated:
      return false;
    case activation_result::skipped:
      get_normal_queue().cache().push_back(message.release());
      return true;
    case activation_result::success:
    case activation_result::dropped:
      get_normal_queue().flush_cache();
      return true;
  }
  return true;
}

caf::invoke_message_result direct_actor::consume(caf::mailbox_element& message) {
  // While a response is awaited, all else has to wait for it.
  if (!awaited_responses_.empty()) return caf::event_based_actor::consume(message);
  current_element_ = &message;
  return deliver(message) ? caf::invoke_message_result::consumed : caf::event_based_actor::consume(message);
}

}  // namespace switchboard
