#include <algorithm>
#include <utility>

#include <caf/local_actor.hpp>

#include <switchboard/pump/message_element.hpp>
#include <switchboard/rpc/allowance.hpp>
#include <switchboard/rpc/turn.hpp>
#include <switchboard/wire/block_stock.hpp>
#include <switchboard/wire/thread_stock.hpp>

namespace switchboard::rpc {

turn::turn(caf::local_actor* self, std::vector<std::weak_ptr<stream_end>>* ends, kind of) noexcept
    : self_(self), ends_(ends), outer_(innermost), kind_(of) {
  innermost = this;
}

std::unique_ptr<turn> turn::of_no_handler() {
  return std::unique_ptr<turn>(new turn(nullptr, nullptr, {.gathers = false}));
}

turn::~turn() {
  innermost = outer_;
  flush_all();
}

caf::execution_unit* turn::context() const noexcept {
  // An actor may end on a thread that is not its execution unit's: where its last handle was released.
  return self_ && !kind_.actor_ends ? self_->context() : nullptr;
}

void turn::opened(const std::shared_ptr<stream_end>& end) {
  if (!ends_) return;
  // Those that have ended are swept out when there is no more room, so each costs the sweep a constant.
  if (ends_->size() >= ends_swept_from && ends_->size() == ends_->capacity()) {
    std::erase_if(*ends_, [](const auto& each) { return each.expired(); });
    ends_->reserve(std::max(2 * ends_->size(), ends_swept_from));
  }
  ends_->push_back(end);
}

answers& turn::gathered_for(const std::shared_ptr<const caller>& to) {
  if (!first_.to) first_.to = to;
  auto* found = first_.to == to ? &first_ : nullptr;
  // From the back: calls of one batch come from one connection.
  for (auto it = others_.rbegin(); !found && it != others_.rend(); ++it)
    if (it->to == to) found = &*it;
  if (found) {
    if (found->content.frames.size() >= frame_bytes_max) leave(*found);
    return found->content;
  }
  if (others_.size() + 1 == connections_max) {
    flush_all();
    first_.to = to;
    return first_.content;
  }
  return others_.emplace_back(parcel{to, {}}).content;
}

void turn::expect(const std::shared_ptr<const caller>& to, std::size_t count, std::size_t bytes) {
  auto& content = gathered_for(to);
  if (content.ends.capacity() == 0) content.ends = wire::thread_stock<std::vector<answers::frame>>::take();
  content.ends.reserve(count);
  if (content.frames.empty()) content.frames = wire::take_block(std::min(bytes, frame_bytes_max));
}

void turn::flush(const std::shared_ptr<const caller>& to) {
  auto* now = innermost;
  if (!now) return;
  if (now->first_.to == to) return now->leave(now->first_);
  const auto found = std::ranges::find(now->others_, to, &parcel::to);
  if (found != now->others_.end()) now->leave(*found);
}

void turn::flush_all() {
  leave(first_);
  for (auto& each : others_) leave(each);
  others_.clear();
}

/// What was expected and did not come leaves nothing to send.
void turn::leave(parcel& early) {
  if (!early.content.empty()) send(*early.to, std::exchange(early.content, {}), context());
}

void turn::send(const caller& to, answers&& content, caf::execution_unit* context) {
  if (to.allowance) to.allowance->sent(content.bytes());
  to.connection->enqueue(make_message_element(std::move(content)), context);
}

}  // namespace switchboard::rpc
