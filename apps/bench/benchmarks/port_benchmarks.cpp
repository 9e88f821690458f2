#include "port_benchmarks.hpp"

#include "contenders/installed.hpp"
#include "measure/process_memory.hpp"

#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace switchboard::bench {
namespace {

server_process start_self(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), program_beside_this("switchboard-bench"));
  return server_process::start(arguments);
}

server_process start_on_ports(const std::string& port, std::size_t threads, std::vector<std::string> more) {
  std::vector<std::string> arguments{"serve-port", "--port", port, "--threads", std::to_string(threads)};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return start_self(std::move(arguments));
}

void add_port_options(CLI::App& benchmark, std::string& port, std::size_t& threads) {
  benchmark.add_option("--port", port, "The notification port's backend")->capture_default_str();
  benchmark.add_option("--threads", threads, "Of each server")->check(CLI::Range(1, 1024))->capture_default_str();
}

void add_workload_options(CLI::App& benchmark, echo_workload& workload) {
  benchmark.add_option("--connections", workload.connections, "Connections, idle ones included")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  benchmark
      .add_option("--busy-every", workload.busy_every, "Each such connection has calls outstanding; others are idle")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  benchmark.add_option("--outstanding", workload.outstanding, "Calls in flight on each busy connection")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
}

std::vector<experiment::parameter> parameters_of(const echo_workload& workload) {
  return {{"connections", static_cast<double>(workload.connections), "connections", ""},
          {"busy_every", static_cast<double>(workload.busy_every), "busy one in", ""},
          {"outstanding_per_connection", static_cast<double>(workload.outstanding), "outstanding", ""}};
}

template <class Load, class Workload>
side side_of(const std::string& name, server_process server, const Workload& workload) {
  auto load = std::make_unique<Load>(server.address(), workload);
  return {name, std::move(server), std::move(load)};
}

// -- ports ----------------------------------------------------------------------------------------------------------

struct ports_options {
  echo_workload workload{.connections = 32, .outstanding = 1, .busy_every = 2};
  schedule plan;
  std::string port = "epoll";
  std::size_t threads = 2;
  unsigned work = 20;  // microseconds
};

void run(session& in, const ports_options& options) {
  experiment of{.workload = "ports", .result = "message", .plan = options.plan};
  of.parameters = parameters_of(options.workload);
  of.parameters.push_back({"server_threads", static_cast<double>(options.threads), "server threads", ""});
  of.parameters.push_back({"work_microseconds", static_cast<double>(options.work), "work of a call", "us"});
  const std::vector<std::string> work{"--work", std::to_string(options.work)};
  std::vector<side> sides;
  sides.push_back(
      side_of<echo_load>("one port", start_on_ports(options.port, options.threads, work), options.workload));
  sides.push_back(side_of<echo_load>(
      "a port a thread", start_on_ports(options.port, options.threads, {work[0], work[1], "--port-a-thread"}),
      options.workload));
  in.run(std::move(of), std::move(sides));
}

// -- accepts --------------------------------------------------------------------------------------------------------

struct accepts_options {
  schedule plan;
  std::string port = "epoll";
  std::size_t threads = 1;
  std::size_t connections = 100;
  std::string how = "async";
};

void run(session& in, const accepts_options& options) {
  const connect_workload workload{.connections = options.connections};
  experiment of{.workload = "accepts", .result = "connection", .plan = options.plan};
  of.parameters = {{"connections_at_a_time", static_cast<double>(options.connections), "connections at a time", ""},
                   {"server_threads", static_cast<double>(options.threads), "server threads", ""}};
  std::vector<side> sides;
  sides.push_back(side_of<connect_load>(
      options.how, start_on_ports(options.port, options.threads, {"--accept", options.how}), workload));
  sides.push_back(side_of<connect_load>("one a packet",
                                        start_on_ports(options.port, options.threads, {"--accept", "one"}), workload));
  in.run(std::move(of), std::move(sides));
}

// -- readiness ------------------------------------------------------------------------------------------------------

struct readiness_options {
  echo_workload workload{.connections = 10'000, .outstanding = 1, .busy_every = 100};
  schedule plan;
  std::string port = "io_uring";
  std::size_t buffer = 4096;
};

/// A server with connections that each carried something: what it then holds for one is its memory.
side with_memory(const std::string& name, server_process server, const echo_workload& workload) {
  const auto before = resident_bytes(server.pid());
  auto load = std::make_unique<echo_load>(server.address(), workload);
  load->run_all_once();
  const auto grown = static_cast<double>(resident_bytes(server.pid())) - static_cast<double>(before);
  side made{name, std::move(server), std::move(load)};
  made.memory_per_connection = grown / static_cast<double>(workload.connections);
  return made;
}

void run(session& in, const readiness_options& options) {
  experiment of{.workload = "readiness", .result = "message", .plan = options.plan};
  of.parameters = parameters_of(options.workload);
  in.shown.begin("readiness: connecting", 0);
  std::vector<side> sides;
  sides.push_back(with_memory("readiness", start_on_ports(options.port, 1, {}), options.workload));
  sides.push_back(with_memory(
      "completion", start_self({"serve-completions", "--buffer", std::to_string(options.buffer)}), options.workload));
  in.run(std::move(of), std::move(sides));
}

template <class Options>
benchmark benchmark_of(CLI::App* command, std::shared_ptr<Options> options) {
  return {command, [options](session& in) { run(in, *options); }, {}};
}

}  // namespace

benchmark add_ports_benchmark(CLI::App& program) {
  const auto options = std::make_shared<ports_options>();
  auto* const ports = program.add_subcommand(
      "ports",
      "Should threads share one port or have one each? Connections are dealt to the ports in turn; only some are busy, "
      "with calls that take processor time. Slices of one port that all threads drain, and of a port a thread, "
      "alternate.");
  add_port_options(*ports, options->port, options->threads);
  add_workload_options(*ports, options->workload);
  ports->add_option("--work", options->work, "Microseconds that a call takes")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  add_schedule_options(*ports, options->plan);
  return benchmark_of(ports, options);
}

benchmark add_accepts_benchmark(CLI::App& program) {
  const auto options = std::make_shared<accepts_options>();
  auto* const accepts = program.add_subcommand(
      "accepts",
      "How should a busy listener accept? Clients connect, make one call and reset. Slices of a server that accepts "
      "as --how says, and of one that accepts once a notification, alternate.");
  add_port_options(*accepts, options->port, options->threads);
  accepts->add_option("--connections", options->connections, "Clients at a time")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  accepts->add_option("--how", options->how, "async: several accepts outstanding; all: until would-block")
      ->check(CLI::IsMember({"async", "all"}))
      ->capture_default_str();
  add_schedule_options(*accepts, options->plan);
  return benchmark_of(accepts, options);
}

benchmark add_readiness_benchmark(CLI::App& program) {
  const auto options = std::make_shared<readiness_options>();
  auto* const readiness = program.add_subcommand(
      "readiness",
      "Readiness or completion? Few busy connections among many idle ones. Slices of a server on a notification port, "
      "and of one whose io_uring receives are always outstanding, alternate. Reports their memory too.");
  add_workload_options(*readiness, options->workload);
  readiness->add_option("--port", options->port, "The notification port's backend")->capture_default_str();
  readiness->add_option("--buffer", options->buffer, "Bytes of the buffer that each receive holds")
      ->check(CLI::Range(64, 1 << 20))
      ->capture_default_str();
  add_schedule_options(*readiness, options->plan);
  return benchmark_of(readiness, options);
}

}  // namespace switchboard::bench
