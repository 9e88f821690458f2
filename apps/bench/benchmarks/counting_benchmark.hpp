#pragma once

/// `counting`: what it costs to count a figure.
/// Threads    one; it starts those that count.

#include "benchmark.hpp"

namespace switchboard::bench {

/// Adds the subcommand; it prints figures of its own, which are in no report.
benchmark add_counting_benchmark(CLI::App& program);

}  // namespace switchboard::bench
