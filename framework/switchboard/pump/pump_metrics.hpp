#pragma once

/// What a pump counts (framework/docs/metrics.md).
/// Threads    as metrics::counter.

#include <memory>

#include <switchboard/metrics/registry.hpp>

namespace switchboard {

struct pump_metrics {
  /// Without a registry nothing is counted.
  explicit pump_metrics(std::shared_ptr<metrics::registry> in = nullptr);

  std::shared_ptr<metrics::registry> registry;
  metrics::histogram turn_packets;
  metrics::counter port_failures;
  metrics::counter wakes;
  metrics::counter steals;
  metrics::gauge registrations;
  metrics::counter deadlines;
  metrics::counter deadlines_expired;
};

}  // namespace switchboard
