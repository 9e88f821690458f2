#pragma once

/// `switchboard-bench fanout`.
///
/// Question   what does it cost to deliver one message to many?
/// Workload   publishers that each publish in all rooms; members that share the rooms evenly, as observers with all the credit
///            there is; a window of outstanding messages, or a fixed rate; one client thread.
/// Beside     redis-server's SUBSCRIBE and PUBLISH, without persistence, where that program is installed: it keeps no
///            history, numbers nothing, and drops members that lag. nats-server, mosquitto; or another chat broker, which
///            shows what a change of the code costs.

#include "benchmark.hpp"

namespace switchboard::bench {

/// Adds the subcommand.
benchmark add_fanout_benchmark(CLI::App& program);

}  // namespace switchboard::bench
