#pragma once

/// Experiments for programs (framework/docs/benchmark.md, "JSON").
/// Threads    any.

#include "measure/measurement.hpp"

#include <string>
#include <vector>

namespace switchboard::bench {

/// `command`: the run's own, which made them.
std::string to_json(const std::vector<experiment>& all, const std::vector<std::string>& command);

}  // namespace switchboard::bench
