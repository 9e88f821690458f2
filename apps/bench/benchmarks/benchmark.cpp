#include "benchmark.hpp"

#include "contenders/installed.hpp"

#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <utility>

#include <CLI/CLI.hpp>

namespace switchboard::bench {

void session::run(experiment of, std::vector<side> sides, const observation& look) {
  measure(of, sides, shown, look);
  results.add(std::move(of));
}

void add_schedule_options(CLI::App& benchmark, schedule& plan) {
  benchmark.add_option("--seconds", plan.seconds, "Measured time of each server, in all")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  benchmark.add_option("--repeat", plan.slices, "Slices that this time is divided into")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
}

server_process start_program(std::vector<std::string> command, std::size_t threads) {
  if (!std::filesystem::path(command.front()).has_parent_path()) command.front() = program_beside_this(command.front());
  for (const auto* each : {"--listen", "127.0.0.1:0", "--log-level", "warn", "--threads"}) command.emplace_back(each);
  command.push_back(std::to_string(threads));
  return server_process::start(command);
}

std::string measured_server::name() const {
  return std::filesystem::path(program).filename().string();
}

server_process measured_server::open() const {
  if (program.find(':') != std::string::npos) {
    const auto address = net::endpoint::parse(program);
    if (!address) throw std::runtime_error("--server: '" + program + "' is no address");
    return server_process::attach(*address, pid);
  }
  std::istringstream words(program);
  std::vector<std::string> command;
  for (std::string word; words >> word;) command.push_back(word);
  if (command.empty()) throw std::runtime_error("--server: no program");
  return start_program(std::move(command), threads);
}

void add_server_options(CLI::App& benchmark, measured_server& server, const std::string& meaning) {
  benchmark
      .add_option("--threads", server.threads, "Workers of a server that is started here, and of a loop beside it")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  auto* const which = benchmark.add_option("--server", server.program, meaning)->capture_default_str();
  benchmark.add_option("--pid", server.pid, "Process of a server that runs already, for its CPU time")->needs(which);
}

void add_baseline_option(CLI::App& benchmark, std::vector<std::string>& baselines, const std::string& meaning) {
  benchmark.add_option("--baseline", baselines, meaning)->delimiter(',')->capture_default_str();
}

void add_rate_option(CLI::App& benchmark, std::optional<double>& rate, const std::string& meaning) {
  benchmark
      .add_option("--rate", rate,
                  meaning +
                      ", at a fixed rate; latencies then count from the moment each was due. Without it, as many as "
                      "there can be")
      ->check(CLI::Range(1.0, 1e7));
}

CLI::Option* add_list_option(CLI::App& benchmark, const std::string& name, std::vector<std::size_t>& values,
                             const std::string& meaning, std::size_t least, std::size_t most) {
  return benchmark.add_option(name, values, meaning + "; several, as in 1,10,100, are measured one after the other")
      ->delimiter(',')
      ->check(CLI::Range(least, most))
      ->capture_default_str();
}

}  // namespace switchboard::bench
