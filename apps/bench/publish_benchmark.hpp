#pragma once

/// `publish`: what a publish costs that is answered when it is on the disk, beside the disk and beside SQLite.
/// Threads    one.

#include <functional>

namespace CLI {
class App;
}

namespace switchboard::bench {

std::function<int()> add_publish_benchmark(CLI::App& program);

}  // namespace switchboard::bench
