#include "connect_benchmark.hpp"

#include <memory>
#include <string>

#include <CLI/CLI.hpp>

namespace switchboard::bench {
namespace {

struct connect_options {
  std::vector<std::size_t> connections{100};
  schedule plan;
  measured_server server{.program = "echo-server"};
  std::vector<std::string> baselines{"bare"};
};

side start_side(const measured_server& server, const connect_workload& workload) {
  auto process = server.open();
  auto load = std::make_unique<connect_load>(process.address(), workload);
  return {server.name(), std::move(process), std::move(load)};
}

void run(session& in, const connect_options& options) {
  for (const auto connections : options.connections) {
    const connect_workload workload{.connections = connections};
    experiment of{.workload = "connect", .result = "connection", .plan = options.plan};
    of.parameters = {{"connections_at_a_time", static_cast<double>(connections), "connections at a time", ""},
                     {"server_threads", static_cast<double>(options.server.threads), "server threads", ""}};
    std::vector<side> sides;
    sides.push_back(start_side(options.server, workload));
    add_contenders<connect_workload>(sides, of, in, connect_contenders(), options.baselines, workload,
                                     options.server.threads, [&](const std::string& program) {
                                       return start_side({program, options.server.threads, {}}, workload);
                                     });
    in.run(std::move(of), std::move(sides));
  }
}

void run_quick(session& in) {
  run(in, {.plan = {.seconds = 1, .slices = 2}});
}

}  // namespace

benchmark add_connect_benchmark(CLI::App& program) {
  const auto options = std::make_shared<connect_options>();
  auto* const connect = program.add_subcommand("connect",
                                               "What do clients cost that come and go? Each connects, makes one "
                                               "Echo/Say call, whose answer is verified, and closes; "
                                               "latencies are from connecting to the answer.");
  add_list_option(*connect, "--connections", options->connections, "Connections at a time", 1, 10'000);
  add_schedule_options(*connect, options->plan);
  add_server_options(*connect, options->server,
                     "Program to start (beside this one, unless a path) or address of a server that runs already");
  add_baseline_option(*connect, options->baselines, "`bare` or `level`, a loop by hand; a program to start; or `none`");
  return {connect, [options](session& in) { run(in, *options); }, run_quick};
}

}  // namespace switchboard::bench
