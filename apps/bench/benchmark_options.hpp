#pragma once

/// What the benchmarks' command lines have in common.
/// Threads    one.

#include "comparison.hpp"
#include "server_process.hpp"

#include <cstddef>
#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace switchboard::bench {

/// --seconds and --repeat.
void add_schedule_options(CLI::App& benchmark, schedule& plan);
/// --server, --threads and --pid. `meaning` describes --server.
void add_server_options(CLI::App& benchmark, std::string& server, std::size_t& threads, std::optional<int>& pid,
                        const std::string& meaning);

/// Starts the program `server` names, with the options that follow its name, or attaches to it where `server` is an address.
server_process open_server(const std::string& server, std::size_t threads, std::optional<int> pid);
/// The path of a program in the folder that this one is in.
std::string program_beside_this(const std::string& name);
/// What a report calls `server`.
std::string short_name(const std::string& server);

}  // namespace switchboard::bench
