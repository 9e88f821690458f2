#include "echo_benchmark.hpp"

#include <memory>
#include <string>

#include <CLI/CLI.hpp>

namespace switchboard::bench {
namespace {

struct echo_options {
  std::vector<std::size_t> connections{100};
  std::vector<std::size_t> outstanding{1};
  std::size_t payload = 64;
  std::optional<double> rate;
  schedule plan;
  measured_server server{.program = "echo-server"};
  std::vector<std::string> baselines{"bare"};
};

side start_side(const measured_server& server, const std::string& name, const echo_workload& workload) {
  auto process = server.open();
  auto load = std::make_unique<echo_load>(process.address(), workload);
  return {name, std::move(process), std::move(load)};
}

void run_one(session& in, const echo_options& options, const echo_workload& workload) {
  experiment of{.workload = "echo", .result = "message", .plan = options.plan, .rate = workload.rate};
  of.parameters = {{"connections", static_cast<double>(workload.connections), "connections", ""},
                   {"outstanding_per_connection", static_cast<double>(workload.outstanding), "outstanding", ""},
                   {"payload_bytes", static_cast<double>(workload.payload), "payload", "B"},
                   {"server_threads", static_cast<double>(options.server.threads), "server threads", ""}};
  if (workload.rate) of.parameters.push_back({"calls_per_second", *workload.rate, "rate", "calls/s"});
  in.shown.begin("echo: connecting", 0);
  const auto known = echo_contenders();
  std::vector<side> sides;
  // A contender can be what is measured: against itself it shows the noise.
  const auto itself =
      std::find_if(known.begin(), known.end(), [&](const auto& each) { return each.name == options.server.program; });
  if (itself != known.end())
    sides.push_back(itself->start(workload, options.server.threads));
  else
    sides.push_back(start_side(options.server, options.server.name(), workload));
  add_contenders<echo_workload>(sides, of, in, known, options.baselines, workload, options.server.threads,
                                [&](const std::string& program) {
                                  const measured_server other{program, options.server.threads, {}};
                                  const bool again = program == options.server.program;
                                  return start_side(other, other.name() + (again ? " (2nd)" : ""), workload);
                                });
  in.run(std::move(of), std::move(sides));
}

void run(session& in, const echo_options& options) {
  for (const auto connections : options.connections)
    for (const auto outstanding : options.outstanding)
      run_one(
          in, options,
          {.connections = connections, .outstanding = outstanding, .payload = options.payload, .rate = options.rate});
}

void run_quick(session& in) {
  run(in, {.connections = {1, 100}, .plan = {.seconds = 2, .slices = 4}});
  run(in, {.outstanding = {16}, .plan = {.seconds = 2, .slices = 4}});
}

}  // namespace

benchmark add_echo_benchmark(CLI::App& program) {
  const auto options = std::make_shared<echo_options>();
  auto* const echo = program.add_subcommand("echo",
                                            "What does a call cost? Connections keep Echo/Say calls outstanding, or "
                                            "make them at a fixed rate. Each answer is "
                                            "verified.");
  add_list_option(*echo, "--connections", options->connections, "Connections", 1, 100'000);
  add_list_option(*echo, "--outstanding", options->outstanding, "Calls in flight on each connection, at most", 1, 4096);
  echo->add_option("--payload", options->payload, "Bytes of each payload; from 8 on each call has its own")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  add_rate_option(*echo, options->rate, "Calls a second on all connections together");
  add_baseline_option(*echo, options->baselines,
                      "`bare` or `level`, a loop by hand; a program to start: echo-by-hand shows what generated code "
                      "costs, `echo-server "
                      "--port io_uring` what another port does; or `none`");
  add_schedule_options(*echo, options->plan);
  add_server_options(
      *echo, options->server,
      "Program to start (beside this one, unless a path), address of a server that runs already, or `bare`: the "
      "baseline against itself, which shows the noise");
  return {echo, [options](session& in) { run(in, *options); }, run_quick};
}

}  // namespace switchboard::bench
