#include <algorithm>

#include <caf/actor_system.hpp>
#include <caf/detail/set_thread_name.hpp>
#include <caf/logger.hpp>

#include <switchboard/pump/pump_worker.hpp>

namespace switchboard {

pump_worker::pump_worker(caf::actor_system& system, worker_team& team, std::size_t index)
    : execution_unit(&system),
      team_(team),
      pump_(*team.pump),
      lot_(*team.lot),
      index_(index),
      server_(team.pump, this),
      meter_(pump_.figures().registry) {}

void pump_worker::start() {
  thread_ = std::thread([this] {
    caf::detail::set_thread_name("pump.worker");
    // Without a current logger CAF spares each job four look-ups in a table that all threads lock.
    if (system().logger().verbosity() != CAF_LOG_LEVEL_QUIET) caf::logger::set_current_actor_system(&system());
    system().thread_started();
    run();
    system().thread_terminates();
  });
}

void pump_worker::run() {
  server_.enter();
  pump_.read_clock();
  meter_.start();
  for (;;) {
    const auto found = next_job();
    const auto result = run(*found);
    meter_.end_turn();
    switch (result) {
      case caf::resumable::resume_later:
        // The job keeps its reference while it is queued.
        messages_left_ = 0;
        exec_later(found);
        break;
      case caf::resumable::done:
      case caf::resumable::awaiting_message:
        intrusive_ptr_release(found);
        break;
      case caf::resumable::shutdown_execution_unit:
        server_.leave();
        return;
    }
  }
}

/// Until the actor has no more messages, has handled as many as it may, or others have waited for time_per_actor.
caf::resumable::resume_result pump_worker::run(caf::resumable& actor) {
  for (auto left = team_.messages_per_job;;) {
    const auto next = std::min(left, messages_between_looks);
    const auto result = actor.resume(this, next);
    left -= next;
    if (result != caf::resumable::resume_later || left == 0 || meter_.elapsed() >= time_per_actor) return result;
  }
}

void pump_worker::exec_later(job queued) {
  // An actor may be left with the execution unit it last ran on, and be sent from by another thread at its end.
  if (!port_server::serves_as(this)) [[unlikely]]
    return team_.enqueue(queued);
  if (own_.push(queued) >= crowded) lot_.wake_one();
}

pump_worker::job pump_worker::next_job() {
  for (;;) {
    // With nothing else to do, sleep() looks at the port.
    if (turn_is_over() && (own_.size() != 0 || work_is_left())) {
      lot_.taken(take_turn(parking_lot::duration::zero()));
      if (const auto found = take_shared()) return hand_out(found);
      if (const auto found = relieve_others()) return hand_out(found);
    }
    if (const auto found = own_.pop()) return hand_out(found);
    if (const auto found = take_shared()) return hand_out(found);
    if (const auto found = steal(crowded)) return hand_out(found);
    if (const auto found = sleep()) return hand_out(found);
  }
}

bool pump_worker::turn_is_over() noexcept {
  if (messages_left_ <= 0) return true;
  return messages_left_ % jobs_per_clock_reading == 1 && pump_.read_clock() >= turn_began_ + time_per_turn;
}

/// @return the wake packets that came; the caller reports them to the parking lot.
std::size_t pump_worker::take_turn(notify::notification_port::duration timeout) {
  const auto done = server_.serve(timeout);
  messages_left_ = messages_per_turn;
  turn_began_ = pump_.read_clock();
  return done.wakes;
}

pump_worker::job pump_worker::hand_out(job found) noexcept {
  --messages_left_;
  if (has_slept_) {
    has_slept_ = false;
    lot_.wake_watch();
  }
  return found;
}

pump_worker::job pump_worker::take_shared() noexcept {
  const auto found = team_.shared.pop();
  // The thread that takes a wake packet is responsible for all jobs that were queued while the packet was in flight.
  if (found != nullptr && team_.shared.size() != 0) lot_.wake_one();
  return found;
}

template <class Visitor>
bool pump_worker::any_other(Visitor visit) {
  const auto workers = team_.workers.size();
  for (std::size_t step = 1; step < workers; ++step) {
    if (visit(*team_.workers[(index_ + step) % workers])) return true;
  }
  return false;
}

pump_worker::job pump_worker::steal(std::size_t least) noexcept {
  job found = nullptr;
  any_other([&](pump_worker& other) {
    found = other.own_.pop(least);
    if (found == nullptr) return false;
    pump_.figures().steals.add();
    if (other.own_.size() >= crowded) lot_.wake_one();
    return true;
  });
  return found;
}

/// Once every watch_period: a job of another worker, which may be stuck in a handler.
pump_worker::job pump_worker::relieve_others() noexcept {
  if (turn_began_ < relieved_others_ + watch_period) return nullptr;
  relieved_others_ = turn_began_;
  return steal(stranded);
}

/// Anything that came between looking for work and falling asleep.
bool pump_worker::work_is_left() noexcept {
  return team_.shared.size() != 0 || any_other([](pump_worker& other) { return other.own_.size() >= crowded; });
}

pump_worker::job pump_worker::sleep() {
  const auto role = lot_.park(team_.workers.size(), !has_slept_);
  if (work_is_left()) {
    lot_.unpark(role, 0);
    return nullptr;
  }
  const auto wakes = take_turn(lot_.patience(role));
  lot_.unpark(role, wakes);
  meter_.start();
  has_slept_ = true;
  return relieve_others();
}

}  // namespace switchboard
