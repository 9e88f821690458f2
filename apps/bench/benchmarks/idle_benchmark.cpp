#include "idle_benchmark.hpp"

#include "measure/process_memory.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>
#include <sys/resource.h>

namespace switchboard::bench {
namespace {

/// Of a process beside its connections, at most.
constexpr std::size_t other_descriptors = 100;

struct idle_options {
  std::vector<std::size_t> connections{10'000};
  std::size_t busy = 100;
  std::size_t outstanding = 1;
  schedule plan;
  measured_server server{.program = "echo-server"};
};

/// The busy connections' calls, with idle ones that are only held open.
class beside_idle final : public load {
public:
  beside_idle(std::unique_ptr<echo_load> busy, std::unique_ptr<echo_load> idle, faults wrong)
      : busy_(std::move(busy)), idle_(std::move(idle)), wrong_(wrong) {}

  load_slice run(std::chrono::nanoseconds duration) override { return busy_->run(duration); }
  faults verify() override {
    wrong_ += busy_->verify();
    wrong_ += idle_->verify();
    return std::exchange(wrong_, {});
  }

private:
  std::unique_ptr<echo_load> busy_;
  std::unique_ptr<echo_load> idle_;
  faults wrong_;
};

echo_workload busy_of(const idle_options& options) {
  return {.connections = options.busy, .outstanding = options.outstanding};
}

side start_with_idle(const idle_options& options, std::size_t connections) {
  auto process = options.server.open();
  auto busy = std::make_unique<echo_load>(process.address(), busy_of(options));
  // Once what the server makes at its first calls is made.
  auto wrong = busy->run_all_once();
  const auto before = anonymous_bytes(process.pid());
  auto idle = std::make_unique<echo_load>(process.address(), echo_workload{.connections = connections});
  wrong += idle->run_all_once();
  const auto after = anonymous_bytes(process.pid());
  auto load = std::make_unique<beside_idle>(std::move(busy), std::move(idle), wrong);
  side made{options.server.name() + " with them", std::move(process), std::move(load)};
  if (after != 0)
    made.memory_per_connection =
        (static_cast<double>(after) - static_cast<double>(before)) / static_cast<double>(connections);
  return made;
}

side start_without(const idle_options& options) {
  auto process = options.server.open();
  auto load = std::make_unique<echo_load>(process.address(), busy_of(options));
  return {options.server.name() + " without", std::move(process), std::move(load)};
}

/// Each process has one end of every connection.
void check_descriptor_limit(std::size_t connections) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max < connections + other_descriptors)
    throw std::runtime_error("idle: " + std::to_string(connections) + " connections need as many descriptors and " +
                             std::to_string(other_descriptors) + "; the hard limit is " +
                             std::to_string(limit.rlim_max) + " (ulimit -H -n)");
}

void run(session& in, const idle_options& options) {
  for (const auto connections : options.connections) {
    check_descriptor_limit(connections + 2 * options.busy);
    experiment of{.workload = "idle", .result = "message", .plan = options.plan};
    of.parameters = {{"idle_connections", static_cast<double>(connections), "idle connections", ""},
                     {"busy_connections", static_cast<double>(options.busy), "busy", ""},
                     {"outstanding_per_connection", static_cast<double>(options.outstanding), "outstanding", ""},
                     {"server_threads", static_cast<double>(options.server.threads), "server threads", ""}};
    in.shown.begin("idle: connecting " + std::to_string(connections), 0);
    std::vector<side> sides;
    sides.push_back(start_with_idle(options, connections));
    sides.push_back(start_without(options));
    in.run(std::move(of), std::move(sides));
  }
}

void run_quick(session& in) {
  run(in, {.connections = {1'000}, .plan = {.seconds = 2, .slices = 4}});
}

}  // namespace

benchmark add_idle_benchmark(CLI::App& program) {
  const auto options = std::make_shared<idle_options>();
  auto* const idle =
      program.add_subcommand("idle",
                             "What do connections cost that do nothing? Each has carried one call; the memory that the "
                             "server's process holds for "
                             "each, and the echo work beside them, measured against the same server without them.");
  add_list_option(*idle, "--connections", options->connections, "Idle connections", 1, 1'000'000);
  idle->add_option("--busy", options->busy, "Connections beside them that carry calls")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  idle->add_option("--outstanding", options->outstanding, "Calls in flight on each busy connection")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  add_schedule_options(*idle, options->plan);
  idle->add_option("--server", options->server.program, "Program to start (beside this one, unless a path)")
      ->capture_default_str();
  idle->add_option("--threads", options->server.threads, "Its workers")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  return {idle, [options](session& in) { run(in, *options); }, run_quick};
}

}  // namespace switchboard::bench
