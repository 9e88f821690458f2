#pragma once

/// Which plots show a run.
/// Threads    any.

#include "measure/measurement.hpp"
#include "svg.hpp"

#include <vector>

namespace switchboard::bench {

/// For each workload the percentiles of latency; and where one parameter has several values throughput, CPU time and memory
/// by that parameter.
std::vector<plot> plots_of(const std::vector<experiment>& all);

}  // namespace switchboard::bench
