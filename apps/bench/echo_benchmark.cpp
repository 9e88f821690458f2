#include "echo_benchmark.hpp"

#include "echo_load.hpp"
#include "server_process.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <sys/resource.h>
#include <unistd.h>

namespace switchboard::bench {
namespace {

using std::chrono::duration_cast;
using std::chrono::nanoseconds;

/// Before anything is measured: caches, allocators and the processor's clock settle.
constexpr nanoseconds warm_up = std::chrono::milliseconds(300);

struct echo_options {
  echo_workload workload;
  double seconds = 5;
  std::size_t repeat = 10;
  std::size_t threads = 1;
  std::string server = "echo-server";
  std::optional<int> pid;
};

/// One side of the comparison.
struct side {
  std::string name;
  server_process server;
  std::unique_ptr<echo_load> load;
  std::vector<double> rates;         // answers a second, of each slice
  std::vector<double> cpu_per_call;  // microseconds, of each slice
  std::uint64_t errors = 0;
  latency_histogram latency;

  void measure(nanoseconds slice_length) {
    const auto cpu_before = server.cpu_time();
    const auto slice = load->run(slice_length);
    const auto cpu_after = server.cpu_time();
    const auto answers = static_cast<double>(slice.answers);
    rates.push_back(answers / std::chrono::duration<double>(slice.duration).count());
    if (cpu_before && cpu_after)
      cpu_per_call.push_back(std::chrono::duration<double, std::micro>(*cpu_after - *cpu_before).count() / answers);
    errors += slice.errors;
    latency.add(slice.latency);
  }
};

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const auto middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

std::string this_program() {
  return std::filesystem::read_symlink("/proc/self/exe").string();
}

server_process start_bare() {
  return server_process::start({this_program(), "serve-bare", "--listen", "127.0.0.1:0"});
}

server_process open_server(const echo_options& options) {
  if (options.server == "bare") return start_bare();
  if (options.server.find(':') != std::string::npos) {
    const auto address = net::endpoint::parse(options.server);
    if (!address) throw std::runtime_error("--server: '" + options.server + "' is no address");
    return server_process::attach(*address, options.pid);
  }
  const std::filesystem::path given = options.server;
  const auto program = given.has_parent_path() ? given : std::filesystem::path(this_program()).parent_path() / given;
  return server_process::start(
      {program.string(), "--listen", "127.0.0.1:0", "--log-level", "warn", "--threads", std::to_string(options.threads)});
}

void print_side(const side& of) {
  const auto us = [](nanoseconds value) { return std::chrono::duration<double, std::micro>(value).count(); };
  std::printf("%-16s %10.0f %8.1f %8.1f %8.1f %8.1f %9.1f %7llu ", of.name.c_str(), median(of.rates),
              us(of.latency.quantile(0.5)), us(of.latency.quantile(0.9)), us(of.latency.quantile(0.99)),
              us(of.latency.quantile(0.999)), us(of.latency.max()), static_cast<unsigned long long>(of.errors));
  if (of.cpu_per_call.empty())
    std::printf("%12s\n", "unknown");
  else
    std::printf("%12.3f\n", median(of.cpu_per_call));
}

void print_ratio(const char* what, const std::vector<double>& ours, const std::vector<double>& theirs) {
  if (ours.size() != theirs.size()) return;
  std::vector<double> ratios;
  for (std::size_t each = 0; each < ours.size(); ++each) ratios.push_back(ours[each] / theirs[each]);
  const auto [least, greatest] = std::minmax_element(ratios.begin(), ratios.end());
  std::printf("  %-28s %.3f  (%.3f to %.3f)\n", what, median(ratios), *least, *greatest);
}

nanoseconds own_cpu_time() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto of = [](const timeval& time) {
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
  };
  return of(used.ru_utime) + of(used.ru_stime);
}

int run(const echo_options& options) {
  const auto server_name =
      options.server == "bare" ? "bare loop (2nd)" : std::filesystem::path(options.server).filename().string();
  side measured{server_name, open_server(options)};
  side baseline{"bare loop", start_bare()};
  const auto slice_length =
      nanoseconds(static_cast<std::int64_t>(options.seconds * 1e9 / static_cast<double>(options.repeat)));
  for (auto* each : {&measured, &baseline}) {
    each->load = std::make_unique<echo_load>(each->server.address(), options.workload);
    each->load->run(warm_up);
  }

  const auto started = std::chrono::steady_clock::now();
  const auto cpu_before = own_cpu_time();
  for (std::size_t pair = 0; pair < options.repeat; ++pair) {
    // Who goes first alternates too, or a machine that slows down steadily would always favour the first.
    auto& first = pair % 2 == 0 ? measured : baseline;
    auto& second = pair % 2 == 0 ? baseline : measured;
    first.measure(slice_length);
    second.measure(slice_length);
  }
  const std::chrono::duration<double> client_cpu = own_cpu_time() - cpu_before;
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - started;

  std::printf(
      "echo: %zu connections, %zu outstanding, %zu B payload, %zu server thread%s; %zu slices of %.2f s each, "
      "alternating\n",
      options.workload.connections, options.workload.outstanding, options.workload.payload, options.threads,
      options.threads == 1 ? "" : "s", options.repeat, std::chrono::duration<double>(slice_length).count());
  std::printf("%-16s %10s %8s %8s %8s %8s %9s %7s %12s\n", "server", "msg/s", "p50 us", "p90 us", "p99 us", "p99.9 us",
              "max us", "errors", "CPU us/msg");
  print_side(measured);
  print_side(baseline);
  std::printf("%s / %s, median of the pairs of slices (least to greatest):\n", measured.name.c_str(),
              baseline.name.c_str());
  print_ratio("throughput", measured.rates, baseline.rates);
  print_ratio("server CPU per message", measured.cpu_per_call, baseline.cpu_per_call);
  std::printf("client: %.0f %% of one processor (near 100 the throughputs are the client's)\n",
              100 * client_cpu.count() / elapsed.count());

  int status = measured.errors == 0 && baseline.errors == 0 ? 0 : 1;
  // Connections first: a server that drains would wait for them.
  measured.load.reset();
  if (const int ended = measured.server.stop(); ended != 0 && options.server != "bare") {
    std::fprintf(stderr, "%s ended with status %d\n", measured.name.c_str(), ended);
    status = 1;
  }
  return status;
}

}  // namespace

std::function<int()> add_echo_benchmark(CLI::App& program) {
  const auto options = std::make_shared<echo_options>();
  auto* const echo =
      program.add_subcommand("echo",
                             "What of a bare loop's speed is left when frames become calls of a service actor? "
                             "Connections keep Echo/Say calls "
                             "outstanding; slices of the server and of a bare one-shot epoll loop on the same frames "
                             "alternate. Reports answers a "
                             "second, latency, errors and server CPU per message of both, and their ratios.");
  echo->add_option("--connections", options->workload.connections, "Connections")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  echo->add_option("--outstanding", options->workload.outstanding, "Calls in flight on each connection")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  echo->add_option("--payload", options->workload.payload, "Bytes of each payload")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  echo->add_option("--seconds", options->seconds, "Measured time of each server, in all")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  echo->add_option("--repeat", options->repeat, "Slices that this time is divided into")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  echo->add_option("--threads", options->threads, "Workers of a server that is started here; the bare loop has one")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  auto* const server =
      echo->add_option(
              "--server", options->server,
              "Program to start (beside this one, unless a path), address of a server that runs already, or `bare`: "
              "the baseline against itself, which shows the noise")
          ->capture_default_str();
  echo->add_option("--pid", options->pid, "Process of a server that runs already, for its CPU time")->needs(server);
  return [options, echo] { return echo->parsed() ? run(*options) : 0; };
}

}  // namespace switchboard::bench
