#pragma once

/// What links count of their bytes and frames, all of a program's servers or clients together
/// (framework/docs/metrics.md).
/// Threads    as metrics::counter.

#include <memory>

#include <switchboard/metrics/registry.hpp>

namespace switchboard::link {

struct link_metrics {
  /// Without a registry nothing is counted.
  explicit link_metrics(std::shared_ptr<metrics::registry> in = nullptr);
  /// Counts nothing.
  static const link_metrics& none();

  std::shared_ptr<metrics::registry> registry;
  metrics::counter received_bytes;
  metrics::counter received_frames;
  metrics::counter sent_bytes;
  metrics::counter queued_frames;
};

}  // namespace switchboard::link
