#pragma once

/// What a journal counts (framework/docs/metrics.md).
/// Threads    as metrics::counter.

#include <memory>

#include <switchboard/limit/limit_monitor.hpp>
#include <switchboard/metrics/registry.hpp>

namespace switchboard::rooms::sqlite {

struct journal_metrics {
  /// Without a registry nothing is counted.
  explicit journal_metrics(std::shared_ptr<metrics::registry> in = nullptr);

  std::shared_ptr<metrics::registry> registry;
  metrics::counter commits;
  metrics::counter failures;
  metrics::histogram commit_duration;
  metrics::histogram batch_messages;
  metrics::gauge queued_messages;
  limit_monitor queue_messages{"journal_messages_max", registry};
  limit_monitor queue_bytes{"journal_bytes_max", registry};
};

}  // namespace switchboard::rooms::sqlite
