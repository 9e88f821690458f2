#pragma once

/// What the notification port's own advice is worth: one port or several, ways to accept, readiness or completion.
/// Threads    one.

#include "benchmark.hpp"

namespace switchboard::bench {

/// `ports`: all threads at one port against a port a thread, under load that keeps only some of the connections busy.
benchmark add_ports_benchmark(CLI::App& program);
/// `accepts`: async_accept, or accepting until would-block, against one accept a notification.
benchmark add_accepts_benchmark(CLI::App& program);
/// `readiness`: readiness against io_uring receives, with few busy and many idle connections, and what both hold.
benchmark add_readiness_benchmark(CLI::App& program);

}  // namespace switchboard::bench
