#pragma once

/// `switchboard-bench fanout`.
///
/// Question   what does it cost to deliver one message to many?
/// Workload   one publisher; members that share a number of rooms evenly, as observers with all the credit there is; a
///            window of outstanding messages in each room; one client thread.
/// Baseline   redis-server's SUBSCRIBE and PUBLISH, without persistence, where that program is installed; in the same
///            run, slices of both alternate. It keeps no history, numbers nothing, and drops members that lag. Or another chat broker, which
///            shows what a change of the code costs.
/// Reports    of each server deliveries a second, latency from publish to delivery, deliveries out of order, and its
///            own CPU time a delivery; of both the ratios, as the median over pairs of slices with the least and the
///            greatest.
/// Command    build/bin/switchboard-bench fanout --members 100 --rooms 1

#include <functional>

namespace CLI {
class App;
}

namespace switchboard::bench {

/// Adds the subcommand; what is returned runs it after parsing and gives the exit status.
std::function<int()> add_fanout_benchmark(CLI::App& program);

}  // namespace switchboard::bench
