#pragma once

/// `switchboard-bench connect`.
///
/// Question   what do clients cost that come and go?
/// Workload   a number of connections at a time, each of which is opened, makes one Echo/Say call and is closed; then the
///            next takes its place. They are reset, not closed in order, or the client would run out of ports.
/// Beside     the loop written by hand.

#include "benchmark.hpp"

namespace switchboard::bench {

/// Adds the subcommand.
benchmark add_connect_benchmark(CLI::App& program);

}  // namespace switchboard::bench
