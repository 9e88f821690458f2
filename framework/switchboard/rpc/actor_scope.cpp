#include <algorithm>
#include <utility>

#include <caf/local_actor.hpp>

#include <switchboard/rpc/actor_scope.hpp>

namespace switchboard::rpc {
namespace {

thread_local actor_scope* innermost = nullptr;
thread_local inheritance inherited;
}  // namespace

actor_scope::actor_scope(caf::local_actor* self, std::vector<std::weak_ptr<stream_end>>* ends) noexcept
    : self_(self), ends_(ends), outer_(innermost), answers_(self->context()) {
  innermost = this;
}

actor_scope::~actor_scope() {
  innermost = outer_;
}

actor_scope* actor_scope::current() noexcept {
  return innermost;
}

caf::execution_unit* actor_scope::context() const noexcept {
  return self_->context();
}

void actor_scope::opened(const std::shared_ptr<stream_end>& end) {
  if (!ends_) return;
  // Those that have ended are swept out when there is no more room, so each costs the sweep a constant.
  if (ends_->size() >= swept_from && ends_->size() == ends_->capacity()) {
    std::erase_if(*ends_, [](const auto& each) { return each.expired(); });
    ends_->reserve(std::max(2 * ends_->size(), swept_from));
  }
  ends_->push_back(end);
}

caf::execution_unit* current_context() noexcept {
  return innermost ? innermost->context() : nullptr;
}

inheritance_scope::inheritance_scope(inheritance now) noexcept : outer_(std::exchange(inherited, std::move(now))) {}
inheritance_scope::~inheritance_scope() {
  inherited = std::move(outer_);
}
const inheritance& inheritance_scope::current() noexcept {
  return inherited;
}

time_point current_deadline() noexcept {
  return inherited.deadline;
}

bool has_current_metadata() noexcept {
  return inherited.of_call || inherited.own;
}

metadata current_metadata() {
  const auto* own = inherited.own;
  metadata all = own ? *own : metadata{};
  if (inherited.of_call)
    for (const auto& each : wire::trace_context_of(metadata_view{inherited.of_call->fields()}))
      if (!own || !own->find(each.key)) all.add(each.key, each.value);
  return all;
}

turn_notice::~turn_notice() {
  if (!of_) return;
  const unwinding ending;
  of_->drop();
}

caf::message_handler stream_turns(caf::local_actor* self) {
  return {[self](stream_turn& turn) {
    const actor_scope scope{self};
    const auto end = turn->take();
    try {
      end->turn(self->context());
    } catch (...) {
      // The handlers let go of their call as they are dropped, which answers INTERNAL.
      end->drop();
    }
  }};
}

}  // namespace switchboard::rpc
