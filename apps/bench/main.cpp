// switchboard-bench: measures servers side by side with a baseline in the same run. One subcommand a question.

#include "bare_loop.hpp"
#include "completion_loop.hpp"
#include "counting_benchmark.hpp"
#include "echo_benchmark.hpp"
#include "fanout_benchmark.hpp"
#include "history_benchmark.hpp"
#include "port_benchmarks.hpp"
#include "port_loop.hpp"
#include "publish_benchmark.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <map>
#include <string>

#include <CLI/CLI.hpp>
#include <sys/resource.h>

namespace {

/// A benchmark may need more connections than the soft limit allows; its servers inherit what is set here.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App program{"Measures servers, each side by side with a baseline in the same run."};
  program.name("switchboard-bench");
  program.require_subcommand(1);
  namespace bench = switchboard::bench;
  const std::function<int()> benchmarks[] = {
      bench::add_echo_benchmark(program),      bench::add_fanout_benchmark(program),
      bench::add_ports_benchmark(program),     bench::add_accepts_benchmark(program),
      bench::add_readiness_benchmark(program), bench::add_publish_benchmark(program),
      bench::add_history_benchmark(program),   bench::add_counting_benchmark(program),
  };

  // The baselines as processes of their own; started by the benchmarks, hidden from --help.
  std::string address = "127.0.0.1:0";
  const auto add_server = [&](const char* name, const char* meaning) {
    auto* const server = program.add_subcommand(name, meaning)->group("");
    server->add_option("--listen", address, "Where");
    return server;
  };
  auto* const bare = add_server("serve-bare", "The bare epoll loop, as a server");
  bench::port_loop_options ports;
  unsigned work = 0;
  auto* const on_ports = add_server("serve-port", "The same work on a notification port");
  on_ports->add_option("--port", ports.backend);
  on_ports->add_option("--threads", ports.threads);
  on_ports->add_flag("--port-a-thread", ports.port_a_thread);
  on_ports->add_option("--work", work, "Microseconds of each call");
  const std::map<std::string, bench::accepting> ways{{"one", bench::accepting::one_a_packet},
                                                     {"all", bench::accepting::all_a_packet},
                                                     {"async", bench::accepting::asynchronously}};
  on_ports->add_option("--accept", ports.how)->transform(CLI::CheckedTransformer(ways));
  std::size_t buffer = 4096;
  auto* const by_completions = add_server("serve-completions", "The same work by io_uring receives");
  by_completions->add_option("--buffer", buffer);

  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? 0 : 2;
  }

  raise_descriptor_limit();
  std::signal(SIGPIPE, SIG_IGN);
  try {
    const auto at = switchboard::net::endpoint::parse(address);
    if (!at) throw std::runtime_error("--listen: '" + address + "' is no address");
    if (bare->parsed()) return bench::serve_bare(*at);
    ports.work = std::chrono::microseconds(work);
    if (on_ports->parsed()) return bench::serve_on_ports(*at, ports);
    if (by_completions->parsed()) return bench::serve_by_completions(*at, buffer);
    int status = 0;
    for (const auto& each : benchmarks) status = std::max(status, each());
    return status;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "switchboard-bench: %s\n", error.what());
    return 1;
  }
}
