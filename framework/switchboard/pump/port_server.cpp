#include <span>
#include <utility>

#include <caf/mailbox_element.hpp>
#include <caf/message_id.hpp>

#include <switchboard/error/invariant.hpp>
#include <switchboard/pump/port_server.hpp>

namespace switchboard {
namespace {

thread_local port_server* current_server = nullptr;

}  // namespace

port_server::port_server(std::shared_ptr<notification_pump> pump, caf::execution_unit* unit)
    : pump_(std::move(pump)), unit_(unit) {}

void port_server::enter() noexcept {
  current_server = this;
}

void port_server::leave() noexcept {
  current_server = nullptr;
}

bool port_server::serves_here(const notification_pump& pump) noexcept {
  return current_server != nullptr && current_server->pump_.get() == &pump;
}

bool port_server::serves_as(const caf::execution_unit* unit) noexcept {
  return current_server != nullptr && current_server->unit_ == unit;
}

port_server::outcome port_server::serve(notify::notification_port::duration timeout) {
  outcome done;
  auto& port = *pump_->port_;
  const auto taken = port.wait(packets_, timeout);
  if (!taken) {
    ++failures_;
    pump_->figures_.port_failures.add();
    SWITCHBOARD_INVARIANT(failures_ != max_failures_in_a_row, "the notification port does not work any more");
    return done;
  }
  failures_ = 0;
  socket_owners::records ended;
  for (const auto& each : std::span(packets_).first(*taken)) {
    // By key before anything else (N43).
    if (each.key == parking_lot::wake_key) {
      ++done.wakes;
    } else if (each.key == parking_lot::exit_key) {
      done.exit = true;
    } else {
      done.messages += pump_->owners_.deliver(each, unit_, ended);
    }
  }
  pump_->figures_.turn_packets.observe(*taken);
  pump_->figures_.wakes.add(done.wakes);
  pump_->figures_.registrations.subtract(ended.size());
  if (*taken != 0) port.release();
  ended.clear();
  done.messages += send_due_deadlines();
  return done;
}

std::size_t port_server::send_due_deadlines() {
  auto& deadlines = pump_->deadlines_;
  const auto nearest = deadlines.nearest();
  if (nearest == deadline_wheel::none()) return 0;
  const auto now = pump_->now();
  if (now < nearest) return 0;
  deadlines.collect(now, deadlines_per_turn, due_);
  for (auto& each : due_)
    each.owner->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, deadline_expired{each.tag}),
                        unit_);
  const auto sent = due_.size();
  due_.clear();
  pump_->figures_.deadlines_expired.add(sent);
  return sent;
}

}  // namespace switchboard
