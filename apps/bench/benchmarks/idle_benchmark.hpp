#pragma once

/// `switchboard-bench idle`.
///
/// Question   what do connections cost that do nothing, in memory and to those that do something?
/// Workload   idle connections that have carried one Echo/Say call each, beside connections that keep calls outstanding.
/// Beside     the same server without the idle ones.
/// Memory     what the server process's own memory (RssAnon: heap and stacks) grows by while the idle connections are opened
///            and carry their calls, by their number. The kernel's part, its sockets' buffers, is not in it.

#include "benchmark.hpp"

namespace switchboard::bench {

/// Adds the subcommand.
benchmark add_idle_benchmark(CLI::App& program);

}  // namespace switchboard::bench
