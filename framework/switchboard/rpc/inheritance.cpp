#include <utility>

#include <switchboard/rpc/inheritance.hpp>
#include <switchboard/rpc/turn.hpp>

namespace switchboard::rpc {

inheritance_scope::inheritance_scope(inheritance now)
    : own_(turn::current() ? nullptr : turn::of_no_handler()),
      outer_(std::exchange(turn::current()->inherited(), std::move(now))) {}

inheritance_scope::~inheritance_scope() {
  turn::current()->inherited() = std::move(outer_);
}

const inheritance& inheritance_scope::current() noexcept {
  static const inheritance nothing;
  const auto* now = turn::current();
  return now ? now->inherited() : nothing;
}

time_point current_deadline() noexcept {
  const auto* now = turn::current();
  return now ? now->inherited().deadline : time_point::max();
}

bool has_current_metadata() noexcept {
  const auto* now = turn::current();
  return now && (now->inherited().of_call || now->inherited().own);
}

metadata current_metadata() {
  const auto* now = turn::current();
  if (!now) return {};
  const auto& [deadline, of_call, own] = now->inherited();
  metadata all = own ? *own : metadata{};
  if (of_call)
    for (const auto& each : wire::trace_context_of(metadata_view{of_call->fields()}))
      if (!own || !own->find(each.key)) all.add(each.key, each.value);
  return all;
}

}  // namespace switchboard::rpc
