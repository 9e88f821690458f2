#include "port_benchmarks.hpp"

#include "benchmark_options.hpp"
#include "connect_load.hpp"
#include "echo_load.hpp"
#include "server_process.hpp"

#include <cstdio>
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
      .add_option("--busy-every", workload.busy_every, "Each such connection has calls under way; others are idle")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  benchmark.add_option("--outstanding", workload.outstanding, "Calls in flight on each busy connection")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
}

// -- ports ----------------------------------------------------------------------------------------------------------

struct ports_options {
  echo_workload workload{.connections = 32, .outstanding = 1, .busy_every = 2};
  schedule plan;
  std::string port = "epoll";
  std::size_t threads = 2;
  unsigned work = 20;  // microseconds
};

int run(const ports_options& options) {
  std::printf("ports: %zu threads, %zu connections, one in %zu busy with %zu calls of %u us each; ", options.threads,
              options.workload.connections, options.workload.busy_every, options.workload.outstanding, options.work);
  const std::vector<std::string> work{"--work", std::to_string(options.work)};
  auto one = start_on_ports(options.port, options.threads, work);
  auto several = start_on_ports(options.port, options.threads, {work[0], work[1], "--port-a-thread"});
  echo_load on_one{one.address(), options.workload};
  echo_load on_several{several.address(), options.workload};
  side measured{"one port", one, [&](auto length) { return on_one.run(length); }};
  side baseline{"a port a thread", several, [&](auto length) { return on_several.run(length); }};
  return compare(measured, &baseline, options.plan, "call") ? 0 : 1;
}

// -- accepts --------------------------------------------------------------------------------------------------------

struct accepts_options {
  schedule plan;
  std::string port = "epoll";
  std::size_t threads = 1;
  std::size_t connections = 100;
  std::string how = "async";
};

int run(const accepts_options& options) {
  std::printf("accepts: %zu connections at a time, one call each; ", options.connections);
  auto server = start_on_ports(options.port, options.threads, {"--accept", options.how});
  auto beside = start_on_ports(options.port, options.threads, {"--accept", "one"});
  connect_load load{server.address(), options.connections};
  connect_load beside_load{beside.address(), options.connections};
  side measured{options.how, server, [&](auto length) { return load.run(length); }};
  side baseline{"one a packet", beside, [&](auto length) { return beside_load.run(length); }};
  return compare(measured, &baseline, options.plan, "conn") ? 0 : 1;
}

// -- readiness ------------------------------------------------------------------------------------------------------

struct readiness_options {
  echo_workload workload{.connections = 10'000, .outstanding = 1, .busy_every = 100};
  schedule plan;
  std::string port = "io_uring";
  std::size_t buffer = 4096;
};

void print_memory(const std::string& name, std::size_t before, std::size_t after, std::size_t connections) {
  const auto grown = static_cast<double>(after) - static_cast<double>(before);
  std::printf("%-16s %8.1f MiB, %.0f B a connection\n", name.c_str(), static_cast<double>(after) / 1'048'576,
              grown / static_cast<double>(connections));
}

int run(const readiness_options& options) {
  std::printf("readiness: %zu connections, one in %zu busy with %zu calls; ", options.workload.connections,
              options.workload.busy_every, options.workload.outstanding);
  auto ready = start_on_ports(options.port, 1, {});
  auto completing = start_self({"serve-completions", "--buffer", std::to_string(options.buffer)});
  const auto ready_before = ready.resident_bytes();
  const auto completing_before = completing.resident_bytes();
  echo_load on_ready{ready.address(), options.workload};
  echo_load on_completing{completing.address(), options.workload};
  // A connection's memory is what it holds once it has carried something.
  on_ready.run_all_once();
  on_completing.run_all_once();
  side measured{"readiness", ready, [&](auto length) { return on_ready.run(length); }};
  side baseline{"completion", completing, [&](auto length) { return on_completing.run(length); }};
  const bool right = compare(measured, &baseline, options.plan, "call");
  std::printf("memory of the server:\n");
  print_memory("readiness", ready_before, ready.resident_bytes(), options.workload.connections);
  print_memory("completion", completing_before, completing.resident_bytes(), options.workload.connections);
  return right ? 0 : 1;
}

template <class Options>
std::function<int()> when_parsed(const CLI::App* benchmark, std::shared_ptr<Options> options) {
  return [benchmark, options] { return benchmark->parsed() ? run(*options) : 0; };
}

}  // namespace

std::function<int()> add_ports_benchmark(CLI::App& program) {
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
  return when_parsed(ports, options);
}

std::function<int()> add_accepts_benchmark(CLI::App& program) {
  const auto options = std::make_shared<accepts_options>();
  auto* const accepts = program.add_subcommand(
      "accepts",
      "How should a busy listener accept? Clients connect, make one call and reset. Slices of a server that accepts "
      "as --how says, and of one that accepts once a notification, alternate.");
  add_port_options(*accepts, options->port, options->threads);
  accepts->add_option("--connections", options->connections, "Clients at a time")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  accepts->add_option("--how", options->how, "async: several accepts under way; all: until would-block")
      ->check(CLI::IsMember({"async", "all"}))
      ->capture_default_str();
  add_schedule_options(*accepts, options->plan);
  return when_parsed(accepts, options);
}

std::function<int()> add_readiness_benchmark(CLI::App& program) {
  const auto options = std::make_shared<readiness_options>();
  auto* const readiness = program.add_subcommand(
      "readiness",
      "Readiness or completion? Few busy connections among many idle ones. Slices of a server on a notification port, "
      "and of one whose io_uring receives are always under way, alternate. Reports their memory too.");
  add_workload_options(*readiness, options->workload);
  readiness->add_option("--port", options->port, "The notification port's backend")->capture_default_str();
  readiness->add_option("--buffer", options->buffer, "Bytes of the buffer that each receive holds")
      ->check(CLI::Range(64, 1 << 20))
      ->capture_default_str();
  add_schedule_options(*readiness, options->plan);
  return when_parsed(readiness, options);
}

}  // namespace switchboard::bench
