// switchboard-bench: measures servers side by side with a baseline in the same run. One subcommand a question.

#include "bare_loop.hpp"
#include "echo_benchmark.hpp"
#include "fanout_benchmark.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
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
  const auto echo = switchboard::bench::add_echo_benchmark(program);
  const auto fanout = switchboard::bench::add_fanout_benchmark(program);

  // The baseline as a process of its own; started by the benchmarks, hidden from --help.
  std::string bare_address = "127.0.0.1:0";
  auto* const bare = program.add_subcommand("serve-bare", "The bare epoll loop, as a server")->group("");
  bare->add_option("--listen", bare_address, "Where");

  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? 0 : 2;
  }

  raise_descriptor_limit();
  std::signal(SIGPIPE, SIG_IGN);
  try {
    if (bare->parsed()) {
      const auto at = switchboard::net::endpoint::parse(bare_address);
      if (!at) throw std::runtime_error("--listen: '" + bare_address + "' is no address");
      return switchboard::bench::serve_bare(*at);
    }
    return std::max(echo(), fanout());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "switchboard-bench: %s\n", error.what());
    return 1;
  }
}
