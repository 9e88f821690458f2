#pragma once

/// `history`: what a room with a long history costs its broker, and a client that joins late.
/// Threads    one.

#include <functional>

namespace CLI {
class App;
}

namespace switchboard::bench {

std::function<int()> add_history_benchmark(CLI::App& program);

}  // namespace switchboard::bench
