#pragma once

/// What a broker counts of its connections and services (framework/docs/metrics.md).
/// Threads    as metrics::counter.

#include <array>
#include <memory>
#include <string_view>

#include <switchboard/link/close_reason.hpp>
#include <switchboard/metrics/registry.hpp>

namespace switchboard::actors {

struct broker_metrics {
  explicit broker_metrics(std::shared_ptr<metrics::registry> in);

  /// Of one service; to be kept.
  metrics::counter restarts_of(std::string_view service) const { return restarts.with({service}); }

  std::shared_ptr<metrics::registry> registry;
  metrics::counter opened;
  std::array<metrics::counter, link::close_reasons> closed;  ///< by close_reason
  metrics::gauge open;
  metrics::family<metrics::counter> restarts;
};

}  // namespace switchboard::actors
