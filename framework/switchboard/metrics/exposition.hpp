#pragma once

/// A snapshot as text: a line for each series, as Prometheus reads them.
///
///     switchboard_connections_closed_total{reason="reset"} 3
///     switchboard_pump_turn_cpu_seconds_bucket{le="0.002"} 51201
///
/// Threads    any.
/// Errors     none.
/// Source     Prometheus' "Exposition formats", text format 0.0.4: buckets are cumulative.

#include <string>

#include <switchboard/metrics/snapshot.hpp>

namespace switchboard::metrics {

std::string exposition(const snapshot& of);

}  // namespace switchboard::metrics
