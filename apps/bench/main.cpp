// switchboard-bench: measures servers side by side with others in the same run, and verifies every result. One subcommand a
// question; --quick asks them all.

#include "benchmarks/connect_benchmark.hpp"
#include "benchmarks/counting_benchmark.hpp"
#include "benchmarks/echo_benchmark.hpp"
#include "benchmarks/fanout_benchmark.hpp"
#include "benchmarks/history_benchmark.hpp"
#include "benchmarks/idle_benchmark.hpp"
#include "benchmarks/port_benchmarks.hpp"
#include "benchmarks/publish_benchmark.hpp"
#include "contenders/completion_loop.hpp"
#include "contenders/hand_loop.hpp"
#include "contenders/port_loop.hpp"
#include "measure/interruption.hpp"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

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

namespace bench = switchboard::bench;

/// The servers by hand as processes of their own; started by the benchmarks, hidden from --help.
class servers {
public:
  explicit servers(CLI::App& program) {
    by_hand_ = add(program, "serve-by-hand", "A loop written by hand, as a server");
    const std::map<std::string, bench::triggering> triggers{{"one-shot", bench::triggering::one_shot},
                                                            {"level", bench::triggering::level}};
    by_hand_->add_option("--triggering", triggering_)->transform(CLI::CheckedTransformer(triggers));
    by_hand_->add_option("--threads", threads_);

    on_ports_ = add(program, "serve-port", "The same work on a notification port");
    on_ports_->add_option("--port", ports_.backend);
    on_ports_->add_option("--threads", ports_.threads);
    on_ports_->add_flag("--port-a-thread", ports_.port_a_thread);
    on_ports_->add_option("--work", work_, "Microseconds of each call");
    const std::map<std::string, bench::accepting> ways{{"one", bench::accepting::one_a_packet},
                                                       {"all", bench::accepting::all_a_packet},
                                                       {"async", bench::accepting::asynchronously}};
    on_ports_->add_option("--accept", ports_.how)->transform(CLI::CheckedTransformer(ways));

    by_completions_ = add(program, "serve-completions", "The same work by io_uring receives");
    by_completions_->add_option("--buffer", buffer_);
  }

  /// Where one of them is asked for, its exit status.
  std::optional<int> run() {
    if (!by_hand_->parsed() && !on_ports_->parsed() && !by_completions_->parsed()) return std::nullopt;
    const auto at = switchboard::net::endpoint::parse(address_);
    if (!at) throw std::runtime_error("--listen: '" + address_ + "' is no address");
    if (by_hand_->parsed()) return bench::serve_by_hand(*at, triggering_, threads_);
    ports_.work = std::chrono::microseconds(work_);
    if (on_ports_->parsed()) return bench::serve_on_ports(*at, ports_);
    return bench::serve_by_completions(*at, buffer_);
  }

private:
  CLI::App* add(CLI::App& program, const char* name, const char* meaning) {
    auto* const server = program.add_subcommand(name, meaning)->group("");
    server->add_option("--listen", address_, "Where");
    return server;
  }

  std::string address_ = "127.0.0.1:0";
  CLI::App* by_hand_;
  bench::triggering triggering_ = bench::triggering::one_shot;
  std::size_t threads_ = 1;
  CLI::App* on_ports_;
  bench::port_loop_options ports_;
  unsigned work_ = 0;
  CLI::App* by_completions_;
  std::size_t buffer_ = 4096;
};

/// What goes for all benchmarks.
struct run_options {
  bool quick = false;
  bool compare = false;
  std::string json;
  std::string svg;

  explicit run_options(CLI::App& program) {
    program.add_flag("--quick", quick,
                     "Run every workload, small, in less than three minutes, instead of one benchmark");
    program.add_flag("--compare", compare, "Beside everything comparable that is installed");
    program.add_option("--json", json,
                       "Write the figures to this file; - for standard output, tables then go to standard error");
    program.add_option("--svg", svg, "Write plots to this file");
  }
};

int run(const std::vector<bench::benchmark>& benchmarks, const run_options& options, std::vector<std::string> command) {
  bench::session session;
  session.compare = options.compare;
  if (options.json == "-") session.results.print_to(stderr);
  session.results.print_each(!options.quick);
  for (const auto& each : benchmarks) {
    if (options.quick && each.quick) each.quick(session);
    if (!options.quick && each.command->parsed()) each.run(session);
  }
  session.shown.clear();
  if (options.quick) session.results.print_summary();
  if (!options.json.empty()) session.results.write_json(options.json, command);
  if (!options.svg.empty()) session.results.write_svg(options.svg);
  if (session.results.all_right()) return 0;
  std::fprintf(stderr, "switchboard-bench: a server did something wrong (above)\n");
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App program{"Measures servers, each side by side with others in the same run, and verifies every result."};
  program.name("switchboard-bench");
  program.require_subcommand(0, 1);
  program.fallthrough();
  const run_options options{program};
  const std::vector<bench::benchmark> benchmarks{
      bench::add_echo_benchmark(program),      bench::add_fanout_benchmark(program),
      bench::add_connect_benchmark(program),   bench::add_idle_benchmark(program),
      bench::add_publish_benchmark(program),   bench::add_history_benchmark(program),
      bench::add_ports_benchmark(program),     bench::add_accepts_benchmark(program),
      bench::add_readiness_benchmark(program), bench::add_counting_benchmark(program),
  };
  servers by_hand{program};

  try {
    program.parse(argc, argv);
    if (options.quick != program.get_subcommands().empty())
      throw CLI::ValidationError("a benchmark is needed, or --quick, which runs them all");
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? 0 : 2;
  }

  raise_descriptor_limit();
  std::signal(SIGPIPE, SIG_IGN);
  try {
    if (const auto status = by_hand.run()) return *status;
    bench::end_in_order_when_interrupted();
    return run(benchmarks, options, {argv, argv + argc});
  } catch (const std::exception& error) {
    // Servers that had the signal too may have ended first, and be what failed. Its sender sees that it was the signal.
    if (const auto signal = bench::interrupted_by()) {
      std::signal(signal, SIG_DFL);
      std::raise(signal);
    }
    std::fprintf(stderr, "switchboard-bench: %s\n", error.what());
    return 1;
  }
}
