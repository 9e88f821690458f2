#pragma once

/// Experiments as people read them in a terminal.
/// Threads    any.

#include "measure/measurement.hpp"

#include <string>
#include <vector>

namespace switchboard::bench {

/// What was done, a table with a line for each server, the ratios of the first to each other one, and what there is to say.
std::string to_text(const experiment& of);
/// One table of all, a line for each server.
std::string summary_of(const std::vector<experiment>& all);

}  // namespace switchboard::bench
