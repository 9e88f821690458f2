#include <thread>
#include <utility>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/detail/set_thread_name.hpp>
#include <caf/detail/thread_safe_actor_clock.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>

#include <switchboard/error/invariant.hpp>
#include <switchboard/pump/notification_pump.hpp>
#include <switchboard/pump/pump_worker.hpp>
#include <switchboard/pump/scheduler.hpp>

namespace switchboard {
namespace {

/// Ends the worker that runs it. Belongs to the scheduler, which outlives the workers, so it counts no references.
class last_job final : public caf::resumable {
public:
  resume_result resume(caf::execution_unit*, std::size_t) override { return shutdown_execution_unit; }
  void intrusive_ptr_add_ref_impl() override {}
  void intrusive_ptr_release_impl() override {}
};

/// CAF asks for the time whenever an actor runs, for timeouts that few actors have.
class caf_clock final : public caf::detail::thread_safe_actor_clock {
public:
  /// `pump` lives longer.
  explicit caf_clock(const notification_pump& pump) noexcept : pump_(pump) {}
  time_point now() const noexcept override { return pump_.recent(); }

private:
  const notification_pump& pump_;
};

}  // namespace

class pump_scheduler final : public caf::scheduler::abstract_coordinator {
public:
  using super = caf::scheduler::abstract_coordinator;

  pump_scheduler(caf::actor_system& system, std::shared_ptr<notification_pump> pump)
      : super(system), pump_(std::move(pump)), clock_(*pump_) {
    team_.pump = pump_->self_.lock();
    team_.lot = &pump_->parking_lot_;
  }

  void init(caf::actor_system_config& config) override {
    super::init(config);
    // Here and not in use_pump_scheduler(): command line and file may be read after that.
    if (caf::get_if<std::size_t>(&config, "scheduler.max-throughput") == caf::none)
      max_throughput_ = pump_worker::messages_per_turn;
  }

  void start() override {
    team_.messages_per_job = max_throughput_;
    for (std::size_t index = 0; index != num_workers_; ++index)
      team_.workers.push_back(std::make_unique<pump_worker>(system_, team_, index));
    for (auto& each : team_.workers) each->start();
    // For programs that use CAF's own timeouts; the framework does not.
    timer_ = std::thread([this] {
      caf::detail::set_thread_name("pump.caf_clock");
      system_.thread_started();
      clock_.run_dispatch_loop();
      system_.thread_terminates();
    });
    super::start();
  }

  void stop() override {
    // Handles must not outlive the system, and an actor's last handle wants a worker that runs.
    pump_->stop();
    for (std::size_t each = 0; each != team_.workers.size(); ++each) team_.enqueue(&end_of_worker_);
    for (auto& each : team_.workers) each->join();
    stop_actors();
    for (auto& each : team_.workers) {
      while (const auto left = each->take_leftover()) cleanup_and_release(left);
    }
    while (const auto left = team_.shared.pop()) cleanup_and_release(left);
    clock_.cancel_dispatch_loop();
    timer_.join();
  }

  void enqueue(caf::resumable* queued) override { team_.enqueue(queued); }

  caf::actor_clock& clock() noexcept override { return clock_; }

private:
  const std::shared_ptr<notification_pump> pump_;
  worker_team team_;
  last_job end_of_worker_;
  caf_clock clock_;
  std::thread timer_;
};

void use_pump_scheduler(caf::actor_system_config& config, std::shared_ptr<notification_pump> pump) {
  SWITCHBOARD_INVARIANT(pump != nullptr, "the pump's scheduler needs the pump");
  config.module_factories.emplace_back(
      [pump = std::move(pump)](caf::actor_system& system) -> caf::actor_system::module* {
        return new pump_scheduler(system, pump);
      });
}

}  // namespace switchboard
