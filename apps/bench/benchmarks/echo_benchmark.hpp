#pragma once

/// `switchboard-bench echo`.
///
/// Question   what does a call cost once frames become calls of a service actor?
/// Workload   connections that keep a number of Echo/Say calls outstanding, or at a fixed rate make them when they are due;
///            payloads of one size; one client thread.
/// Beside     the loop written by hand, another program (--baseline echo-by-hand: the same service without generated code),
///            or with --compare all that is installed.

#include "benchmark.hpp"

namespace switchboard::bench {

/// Adds the subcommand.
benchmark add_echo_benchmark(CLI::App& program);

}  // namespace switchboard::bench
