#include "echo_benchmark.hpp"

#include "benchmark_options.hpp"
#include "echo_load.hpp"
#include "server_process.hpp"

#include <cstdio>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

namespace switchboard::bench {
namespace {

struct echo_options {
  echo_workload workload;
  schedule plan;
  std::size_t threads = 1;
  std::string server = "echo-server";
  std::string baseline = "bare";
  std::optional<int> pid;
};

server_process start_bare() {
  return server_process::start({program_beside_this("switchboard-bench"), "serve-bare", "--listen", "127.0.0.1:0"});
}

server_process open_measured(const echo_options& options) {
  if (options.server == "bare") return start_bare();
  return open_server(options.server, options.threads, options.pid);
}

server_process open_baseline(const echo_options& options) {
  if (options.baseline == "bare") return start_bare();
  return open_server(options.baseline, options.threads, std::nullopt);
}

std::string name_of(const std::string& server) {
  return server == "bare" ? "bare loop" : short_name(server);
}

int run(const echo_options& options) {
  std::printf("echo: %zu connections, %zu outstanding, %zu B payload, %zu server thread%s; ",
              options.workload.connections, options.workload.outstanding, options.workload.payload, options.threads,
              options.threads == 1 ? "" : "s");
  auto server = open_measured(options);
  auto beside = open_baseline(options);
  auto load = std::make_unique<echo_load>(server.address(), options.workload);
  auto beside_load = std::make_unique<echo_load>(beside.address(), options.workload);
  side measured{name_of(options.server) + (options.server == options.baseline ? " (2nd)" : ""), server,
                [&](auto length) { return load->run(length); }};
  side baseline{name_of(options.baseline), beside, [&](auto length) { return beside_load->run(length); }};
  const bool right = compare(measured, &baseline, options.plan, "msg");
  // Before its server is stopped, which would wait for the clients to hang up.
  load.reset();
  beside_load.reset();
  const int ended = server.stop();
  if (ended != 0 && options.server != "bare")
    std::fprintf(stderr, "%s ended with status %d\n", measured.name().c_str(), ended);
  return right && (ended == 0 || options.server == "bare") ? 0 : 1;
}

}  // namespace

std::function<int()> add_echo_benchmark(CLI::App& program) {
  const auto options = std::make_shared<echo_options>();
  auto* const echo = program.add_subcommand(
      "echo",
      "What of a bare loop's speed is left when frames become calls of a service actor? Connections "
      "keep Echo/Say calls outstanding; slices of the server and of a bare one-shot epoll loop on the "
      "same frames alternate. Reports answers a second, latency, errors and server CPU per answer of "
      "both, and their ratios.");
  echo->add_option("--connections", options->workload.connections, "Connections")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  echo->add_option("--outstanding", options->workload.outstanding, "Calls in flight on each connection")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  echo->add_option("--payload", options->workload.payload, "Bytes of each payload")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  echo->add_option(
          "--baseline", options->baseline,
          "`bare`, or a program to start: echo-by-hand shows what generated code costs, `echo-server --port io_uring` "
          "what another port does")
      ->capture_default_str();
  add_schedule_options(*echo, options->plan);
  add_server_options(
      *echo, options->server, options->threads, options->pid,
      "Program to start (beside this one, unless a path), address of a server that runs already, or `bare`: the "
      "baseline against itself, which shows the noise");
  return [options, echo] { return echo->parsed() ? run(*options) : 0; };
}

}  // namespace switchboard::bench
