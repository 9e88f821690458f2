#pragma once

/// `switchboard-bench history`.
///
/// Question   what does a room with a long history cost its broker, and a client that joins late?
/// Workload   a room is filled by an import; then a broker is started on it, and a client that joins late reads everything,
///            several times.

#include "benchmark.hpp"

namespace switchboard::bench {

/// Adds the subcommand.
benchmark add_history_benchmark(CLI::App& program);

}  // namespace switchboard::bench
