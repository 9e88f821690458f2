#pragma once

/// What rooms count, all of a program together (framework/docs/metrics.md).
/// Threads    as metrics::counter.

#include <memory>

#include <switchboard/metrics/registry.hpp>

namespace switchboard::rooms {

struct room_metrics {
  /// Without a registry nothing is counted.
  explicit room_metrics(std::shared_ptr<metrics::registry> in = nullptr);

  std::shared_ptr<metrics::registry> registry;
  metrics::gauge rooms;
  metrics::gauge members;
  metrics::counter messages;
  metrics::counter duplicates;
  metrics::counter failures;
  metrics::counter deliveries;
};

}  // namespace switchboard::rooms
