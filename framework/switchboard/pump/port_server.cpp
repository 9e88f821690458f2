#include <mutex>
#include <utility>

#include <caf/mailbox_element.hpp>
#include <caf/message_id.hpp>

#include <switchboard/error/invariant.hpp>
#include <switchboard/pump/port_server.hpp>

namespace switchboard {
namespace {

thread_local port_server* current_server = nullptr;

}  // namespace

port_server::port_server(std::shared_ptr<pump_engine> engine, caf::execution_unit* unit)
    : engine_(std::move(engine)), unit_(unit) {}

void port_server::enter() noexcept {
  current_server = this;
}

port_server* port_server::current() noexcept {
  return current_server;
}

bool port_server::serves(const caf::execution_unit* unit) noexcept {
  return current_server != nullptr && current_server->unit_ == unit;
}

bool port_server::defer(const re_arm& noted) {
  if (!holds_batch_) return false;
  const std::lock_guard guard(lock_);
  if (deferred_.size() == max_deferred) return false;
  deferred_.push_back(noted);
  return true;
}

void port_server::apply_deferred() noexcept {
  std::vector<re_arm> taken;
  {
    const std::lock_guard guard(lock_);
    if (deferred_.empty()) return;
    taken.swap(deferred_);
  }
  for (const auto& each : taken) {
    const auto failed = engine_->apply(each);
    if (failed && failed != errc::removing && failed != errc::not_registered && failed != errc::closed)
      engine_->deliver_failed_arm(each.registration, nullptr);
  }
}

void port_server::leave() noexcept {
  apply_deferred();
  engine_->port().release();
  holds_batch_ = false;
  current_server = nullptr;
}

void port_server::collect_requests() {
  requests_.clear();
  requested_.clear();
  if (!engine_->batches()) return;
  {
    const std::lock_guard guard(lock_);
    going_out_.insert(going_out_.end(), deferred_.begin(), deferred_.end());
    deferred_.clear();
  }
  for (const auto& each : going_out_) {
    notify::request made;
    if (!engine_->make_request(each, made)) continue;
    requests_.push_back(made);
    requested_.push_back(each);
  }
}

port_server::outcome port_server::serve(pump_engine::duration timeout) {
  outcome done;
  collect_requests();
  auto& port = engine_->port();
  const auto taken = port.process(requests_, packets_, timeout);
  if (!taken) {
    // Nothing changed (N12): what was to go out goes with the next call.
    ++failures_;
    SWITCHBOARD_INVARIANT(failures_ != pump_engine::max_failures_in_a_row,
                          "the notification port does not work any more");
    return done;
  }
  failures_ = 0;
  going_out_.clear();
  for (std::size_t each = 0; each != requests_.size(); ++each) {
    auto failed = requests_[each].result;
    if (const auto again = engine_->apply_later_than(requested_[each])) failed = again;
    if (failed && failed != errc::removing)
      done.messages += engine_->deliver_failed_arm(requested_[each].registration, unit_);
  }
  for (const auto& each : std::span(packets_).first(*taken)) {
    // By key before anything else (N43).
    if (each.key == pump_engine::wake_key) {
      ++done.wakes;
    } else if (each.key == pump_engine::exit_key) {
      done.exit = true;
    } else {
      done.messages += engine_->deliver(each, unit_);
    }
  }
  holds_batch_ = *taken != 0;
  if (holds_batch_ && !engine_->batches()) {
    port.release();
    holds_batch_ = false;
  }
  done.messages += send_due_deadlines();
  return done;
}

std::size_t port_server::send_due_deadlines() {
  auto& deadlines = engine_->deadlines();
  const auto nearest = deadlines.nearest();
  if (nearest == deadline_wheel::none()) return 0;
  const auto now = engine_->port().now();
  if (now < nearest) return 0;
  deadlines.collect(now, deadlines_per_turn, due_);
  for (auto& each : due_)
    each.owner->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, deadline_expired{each.tag}),
                        unit_);
  const auto sent = due_.size();
  due_.clear();
  return sent;
}

}  // namespace switchboard
