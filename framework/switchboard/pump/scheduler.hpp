#pragma once

/// Makes a notification pump the scheduler of an actor system: a worker's idle wait is the port's.
///
/// Threads    before the actor system exists.
/// Owns       the configuration shares the pump with the scheduler module it will make.

#include <memory>

#include <caf/fwd.hpp>

namespace switchboard {

class notification_pump;

/// After this, actor_system{config} runs its actors on workers that wait on the pump's port. `scheduler.max-threads`
/// workers; `scheduler.max-throughput` is set to 64 unless the user set it, because CAF's default lets an actor that
/// feeds itself run for ever. The system's end stops the pump.
void use_pump_scheduler(caf::actor_system_config& config, std::shared_ptr<notification_pump> pump);

}  // namespace switchboard
