#pragma once

/// `switchboard-bench publish`.
///
/// Question   what does a publish cost that is answered when it is on the disk?
/// Workload   publishers of one room, each with one publish outstanding.
/// Beside     SQLite with nothing around it: the same inserts, as many in a transaction as there are publishers; and the disk
///            alone: a page appended and synced. The latter appends to a file that grows, which syncs more than SQLite's
///            write-ahead log does, whose file it uses again.

#include "benchmark.hpp"

namespace switchboard::bench {

/// Adds the subcommand.
benchmark add_publish_benchmark(CLI::App& program);

}  // namespace switchboard::bench
