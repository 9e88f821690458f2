#include "benchmark_options.hpp"

#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <vector>

#include <CLI/CLI.hpp>

namespace switchboard::bench {

void add_schedule_options(CLI::App& benchmark, schedule& plan) {
  benchmark.add_option("--seconds", plan.seconds, "Measured time of each server, in all")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  benchmark.add_option("--repeat", plan.slices, "Slices that this time is divided into")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
}

void add_server_options(CLI::App& benchmark, std::string& server, std::size_t& threads, std::optional<int>& pid,
                        const std::string& meaning) {
  benchmark.add_option("--threads", threads, "Workers of a server that is started here; a baseline has one")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  auto* const which = benchmark.add_option("--server", server, meaning)->capture_default_str();
  benchmark.add_option("--pid", pid, "Process of a server that runs already, for its CPU time")->needs(which);
}

server_process open_server(const std::string& server, std::size_t threads, std::optional<int> pid) {
  if (server.find(':') != std::string::npos) {
    const auto address = net::endpoint::parse(server);
    if (!address) throw std::runtime_error("--server: '" + server + "' is no address");
    return server_process::attach(*address, pid);
  }
  std::istringstream words(server);
  std::vector<std::string> command;
  for (std::string word; words >> word;) command.push_back(word);
  if (command.empty()) throw std::runtime_error("--server: no program");
  if (!std::filesystem::path(command.front()).has_parent_path()) command.front() = program_beside_this(command.front());
  for (const auto* each : {"--listen", "127.0.0.1:0", "--log-level", "warn", "--threads"}) command.emplace_back(each);
  command.push_back(std::to_string(threads));
  return server_process::start(command);
}

std::string program_beside_this(const std::string& name) {
  return std::filesystem::read_symlink("/proc/self/exe").replace_filename(name).string();
}

std::string short_name(const std::string& server) {
  return std::filesystem::path(server).filename().string();
}

}  // namespace switchboard::bench
