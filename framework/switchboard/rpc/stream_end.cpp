#include <caf/local_actor.hpp>
#include <caf/message_handler.hpp>

#include <switchboard/error/invariant.hpp>
#include <switchboard/rpc/stream_end.hpp>
#include <switchboard/rpc/turn.hpp>

namespace switchboard::rpc {

turn_notice::~turn_notice() {
  if (!of_) return;
  const auto last = turn::ending(nullptr);
  of_->drop();
}

caf::message_handler stream_turns(caf::local_actor* self) {
  return {[self](stream_turn& due) {
    const turn own{self};
    const auto end = due->take();
    try {
      end->turn(self->context());
    } catch (...) {
      // The handlers drop their call as they are destroyed, which answers INTERNAL.
      end->drop();
    }
  }};
}

caf::execution_unit* current_context() noexcept {
  const auto* now = turn::current();
  return now ? now->context() : nullptr;
}

namespace detail {

caf::local_actor* running_actor() noexcept {
  const auto* now = turn::current();
  SWITCHBOARD_INVARIANT(now != nullptr && now->self() != nullptr,
                        "a stream was opened outside of a service's handler without naming an actor");
  return now->self();
}

waker waker_of(caf::local_actor* self, const std::shared_ptr<stream_end>& end) {
  if (auto* now = turn::current(); now && now->self() == self) now->opened(end);
  return {actor_ref{self->ctrl()}, end};
}

}  // namespace detail

}  // namespace switchboard::rpc
