#include <exception>
#include <utility>

#include <switchboard/pump/direct_actor.hpp>

namespace switchboard {

caf::resumable::resume_result direct_actor::resume(caf::execution_unit* on, std::size_t messages_max) {
  if (!activate(on)) return done;
  auto& urgent = get_urgent_queue();
  auto& normal = get_normal_queue();
  for (auto left = messages_max; left > 0;) {
    mailbox().fetch_more();
    // An exit or the end of a monitored actor.
    if (!urgent.empty()) return caf::event_based_actor::resume(on, left);
    normal.inc_deficit(1);
    if (auto message = normal.next()) {
      --left;
      if (!handle(std::move(message))) return done;
    } else if (mailbox().try_block()) {
      return awaiting_message;
    }
  }
  return resume_later;
}

/// False where the actor has ended.
bool direct_actor::handle(caf::mailbox_element_ptr message) {
  // While a response is awaited, all else has to wait for it.
  if (awaited_responses_.empty() && handle_directly(*message)) {
    get_normal_queue().flush_cache();
    return alive() || !finalize();
  }
  switch (reactivate(*message)) {
    case activation_result::terminated:
      return false;
    case activation_result::skipped:
      get_normal_queue().cache().push_back(message.release());
      return true;
    case activation_result::success:
      mailbox().flush_cache();
      return true;
    case activation_result::dropped:
      return true;
  }
  return true;
}

bool direct_actor::handle_directly(caf::mailbox_element& message) noexcept {
  auto* const before = std::exchange(current_element_, &message);
  bool handled = true;
  try {
    handled = deliver(message);
  } catch (...) {
    auto thrown = std::current_exception();
    quit(call_handler(exception_handler_, this, thrown));
  }
  current_element_ = before;
  return handled;
}

}  // namespace switchboard
