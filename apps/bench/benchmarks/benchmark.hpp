#pragma once

/// What the benchmarks have in common: the run they are part of, and options.
/// Threads    one.

#include "contenders/contender.hpp"
#include "measure/measurement.hpp"
#include "report/report.hpp"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace switchboard::bench {

/// One run of the program.
struct session {
  bool compare = false;  ///< with all that is installed
  progress shown{stderr};
  report results;

  /// Measures, and adds to the results. `look`: at what there is to see before the servers are stopped.
  void run(experiment of, std::vector<side> sides, const observation& look = {});
};

/// One subcommand.
struct benchmark {
  CLI::App* command = nullptr;
  std::function<void(session&)> run;    ///< as the command line says
  std::function<void(session&)> quick;  ///< small; empty where it is none of those that --quick runs
};

/// --seconds and --repeat.
void add_schedule_options(CLI::App& benchmark, schedule& plan);

/// Starts a program of this tree (beside this one, unless a path) with its options, on a free port.
server_process start_program(std::vector<std::string> command, std::size_t threads = 1);

/// What is measured.
struct measured_server {
  std::string program;  ///< to start, with options; or the address of one that runs already
  std::size_t threads = 1;
  std::optional<int> pid;

  /// In reports.
  std::string name() const;
  /// Starts it, with the options that follow its name, or attaches to it where it is an address.
  server_process open() const;
};
/// --server, --threads and --pid. `meaning` describes --server.
void add_server_options(CLI::App& benchmark, measured_server& server, const std::string& meaning);

/// --baseline: names of contenders, programs to start, or `none`.
void add_baseline_option(CLI::App& benchmark, std::vector<std::string>& baselines, const std::string& meaning);

/// --rate. `meaning` says what of.
void add_rate_option(CLI::App& benchmark, std::optional<double>& rate, const std::string& meaning);

/// An option that takes several values, each of which is measured.
CLI::Option* add_list_option(CLI::App& benchmark, const std::string& name, std::vector<std::size_t>& values,
                             const std::string& meaning, std::size_t least, std::size_t most);

/// Adds what is to be measured beside `sides`: the contenders that `baselines` names, with --compare all of `known`; those that
/// are not installed become a line of the report. Any other name is a program, which `start` makes a side of.
template <class Workload>
void add_contenders(std::vector<side>& sides, experiment& of, const session& in,
                    const std::vector<contender<Workload>>& known, const std::vector<std::string>& baselines,
                    const Workload& workload, std::size_t threads,
                    const std::function<side(const std::string&)>& start) {
  const auto is_known = [&](const std::string& name) {
    return std::any_of(known.begin(), known.end(), [&](const auto& each) { return each.name == name; });
  };
  const auto is_named = [&](const std::string& name) {
    return std::find(baselines.begin(), baselines.end(), name) != baselines.end();
  };
  for (const auto& each : known) {
    if (!in.compare && !is_named(each.name)) continue;
    if (each.is_here)
      sides.push_back(each.start(workload, threads));
    else
      of.missing.push_back({each.name, each.package});
  }
  for (const auto& each : baselines)
    if (each != "none" && !is_known(each)) sides.push_back(start(each));
}

}  // namespace switchboard::bench
