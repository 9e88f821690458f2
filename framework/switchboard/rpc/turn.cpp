#include <algorithm>
#include <utility>

#include <caf/local_actor.hpp>
#include <caf/mailbox_element.hpp>

#include <switchboard/rpc/reply_backlog.hpp>
#include <switchboard/rpc/turn.hpp>
#include <switchboard/wire/block_stock.hpp>

namespace switchboard::rpc {
namespace {

thread_local turn* innermost = nullptr;

}  // namespace

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

turn* turn::current() noexcept {
  return innermost;
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
  // From the back: calls of one batch come from one connection.
  for (auto it = parcels_.rbegin(); it != parcels_.rend(); ++it) {
    if (it->to != to) continue;
    if (it->content.frames.size() >= frame_bytes_max) send(*to, std::exchange(it->content, {}), context());
    return it->content;
  }
  if (parcels_.size() == connections_max) flush_all();
  return parcels_.emplace_back(parcel{to, {}}).content;
}

void turn::expect(const std::shared_ptr<const caller>& to, std::size_t answers, std::size_t bytes) {
  auto& content = gathered_for(to);
  content.ends.reserve(answers);
  if (content.frames.empty()) content.frames = wire::take_block(std::min(bytes, frame_bytes_max));
}

void turn::flush(const std::shared_ptr<const caller>& to) {
  auto* now = innermost;
  if (!now) return;
  const auto of = [&](const parcel& each) { return each.to == to && !each.content.empty(); };
  const auto found = std::find_if(now->parcels_.begin(), now->parcels_.end(), of);
  if (found != now->parcels_.end()) send(*to, std::exchange(found->content, {}), now->context());
}

void turn::flush_all() {
  for (auto& each : parcels_) {
    // What was expected and did not come leaves nothing to send.
    if (each.content.empty()) continue;
    send(*each.to, std::move(each.content), context());
  }
  parcels_.clear();
}

void turn::send(const caller& to, answers content, caf::execution_unit* context) {
  if (to.backlog) to.backlog->sent(content.bytes());
  to.connection->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, std::move(content)), context);
}

}  // namespace switchboard::rpc
