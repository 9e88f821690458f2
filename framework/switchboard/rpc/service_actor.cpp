#include <utility>

#include <caf/actor_control_block.hpp>

#include <switchboard/rpc/service_actor.hpp>

namespace switchboard::rpc {

service_actor::service_actor(caf::actor_config& config, std::shared_ptr<notification_pump> pump)
    : direct_actor(config), pump_(std::move(pump)) {}

timer_id service_actor::after(notification_pump::clock::duration span, std::function<void()> then) {
  if (timers_.size() >= timers_max) return timer_id::none;
  const auto number = ++last_timer_;
  const auto deadline = pump_->schedule(pump_->now() + span, caf::strong_actor_ptr{ctrl()}, number);
  if (deadline == deadline_id::none) return timer_id::none;
  timers_.emplace(number, timer{deadline, std::move(then)});
  return static_cast<timer_id>(number);
}

bool service_actor::cancel(timer_id which) {
  const auto node = timers_.extract(static_cast<std::uint64_t>(which));
  if (!node) return false;
  pump_->cancel(node.mapped().deadline);
  return true;
}

bool service_actor::deliver(caf::mailbox_element& message) {
  auto* const due = content_of<stream_turn>(message);
  if (due) on(*due);
  return due != nullptr;
}

void service_actor::on(stream_turn& due) {
  const auto end = due->take();
  run({}, [&] {
    try {
      end->turn(context());
    } catch (...) {
      end->drop();
      throw;
    }
  });
}

caf::message_handler service_actor::own_messages() {
  return {[this](const deadline_expired& expired) {
    auto node = timers_.extract(expired.tag);
    if (node) run({}, node.mapped().then);
  }};
}

void service_actor::on_exit() {
  const auto last = turn::ending(this);
  for (const auto& [number, each] : std::exchange(timers_, {})) pump_->cancel(each.deadline);
  for (const auto& each : std::exchange(streams_, {}))
    if (const auto end = each.lock()) end->drop();
}

}  // namespace switchboard::rpc
