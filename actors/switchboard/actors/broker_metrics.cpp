#include <utility>

#include <switchboard/actors/broker_metrics.hpp>

namespace switchboard::actors {

broker_metrics::broker_metrics(std::shared_ptr<metrics::registry> in)
    : registry(std::move(in)),
      opened(registry->new_counter("switchboard_connections_opened_total", "Connections that were accepted.")),
      open(registry->new_gauge("switchboard_connections", "Connections that are open.")),
      restarts(registry->counters("switchboard_service_restarts_total",
                                  "How often a service that died was started anew.", {"service"})) {
  const auto by_reason =
      registry->counters("switchboard_connections_closed_total", "Connections that ended.", {"reason"});
  for (std::size_t reason = 0; reason != link::close_reasons; ++reason)
    closed[reason] = by_reason.with({to_string(static_cast<link::close_reason>(reason))});
}

}  // namespace switchboard::actors
