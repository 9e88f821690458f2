#pragma once

/// `switchboard-bench echo`.
///
/// Question   what of a bare loop's speed is left when frames become calls of a service actor?
/// Workload   connections that keep a number of Echo/Say calls outstanding, payloads of one size; one client thread.
/// Baseline   the bare one-shot epoll loop of bare_loop.hpp, or another program (--baseline echo-by-hand: the same
///            service without generated code), in the same run: slices of both servers alternate, so that what else the
///            machine does hits both.
/// Reports    of each server answers a second, latency, errors, and its own CPU time an answer; of both the ratios, as
///            the median over pairs of slices with the least and the greatest.
/// Command    build/bin/switchboard-bench echo --connections 100 --outstanding 16

#include <functional>
#include <memory>

namespace CLI {
class App;
}

namespace switchboard::bench {

/// Adds the subcommand; what is returned runs it after parsing and gives the exit status.
std::function<int()> add_echo_benchmark(CLI::App& program);

}  // namespace switchboard::bench
