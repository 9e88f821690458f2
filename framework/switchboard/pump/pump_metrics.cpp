#include <utility>

#include <switchboard/pump/pump_metrics.hpp>

namespace switchboard {

pump_metrics::pump_metrics(std::shared_ptr<metrics::registry> in) : registry(std::move(in)) {
  if (!registry) return;
  turn_packets =
      registry->new_histogram("switchboard_pump_turn_packets",
                              "Packets that a thread took from the notification port in one turn.", metrics::batch);
  port_failures =
      registry->new_counter("switchboard_pump_port_failures_total", "Waits at the notification port that failed.");
  wakes = registry->new_counter("switchboard_pump_wakes_total", "Packets that came to wake a sleeping thread.");
  steals = registry->new_counter("switchboard_pump_steals_total", "Jobs that a worker took from another's queue.");
  registrations = registry->new_gauge("switchboard_pump_registrations", "Sockets that are registered.");
  deadlines = registry->new_counter("switchboard_pump_deadlines_total", "Deadlines that were set.");
  deadlines_expired = registry->new_counter("switchboard_pump_deadlines_expired_total",
                                            "Deadlines that came, each a message to its actor.");
}

}  // namespace switchboard
