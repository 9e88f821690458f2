#pragma once

/// `counting`: what it costs to count a figure.
/// Threads    one; it starts those that count.

#include <functional>

namespace CLI {
class App;
}

namespace switchboard::bench {

std::function<int()> add_counting_benchmark(CLI::App& program);

}  // namespace switchboard::bench
