#include "counting_benchmark.hpp"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>

#include <switchboard/metrics/registry.hpp>

namespace switchboard::bench {
namespace {

struct counting_options {
  unsigned threads = 1;
  std::uint64_t rounds = 50'000'000;
};

double thread_nanoseconds() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) * 1e9 + static_cast<double>(used.tv_nsec);
}

/// Processor time in nanoseconds for one `count(round)`, on average over threads that all do it at the same time.
template <class Count>
double cost(const counting_options& options, Count count) {
  std::atomic<double> all{0};
  {
    std::vector<std::jthread> threads;
    for (unsigned each = 0; each < options.threads; ++each)
      threads.emplace_back([&] {
        const auto before = thread_nanoseconds();
        for (std::uint64_t round = 0; round < options.rounds; ++round) {
          count(round);
          // One round after the other, as a program has other things to do between two figures.
          std::atomic_signal_fence(std::memory_order_seq_cst);
        }
        all.fetch_add(thread_nanoseconds() - before);
      });
  }
  return all / options.threads / static_cast<double>(options.rounds);
}

void run(const counting_options& options) {
  metrics::registry figures;
  const auto counter = figures.new_counter("bench_counted_total", "Rounds.");
  const auto sizes = figures.new_histogram("bench_sizes", "Sizes.", metrics::batch);
  std::atomic<std::uint64_t> shared{0};
  const auto loop = cost(options, [](std::uint64_t) {});
  const auto print = [&](const char* what, double nanoseconds) {
    std::printf("%-38s %6.2f ns\n", what, nanoseconds - loop);
  };
  print("a counter's add", cost(options, [&](std::uint64_t) { counter.add(); }));
  print("a histogram's observe, values to 63", cost(options, [&](std::uint64_t round) { sizes.observe(round % 64); }));
  print("an atomic that all threads add to", cost(options, [&](std::uint64_t) { shared.fetch_add(1); }));
  print("a reading of the clock",
        cost({options.threads, options.rounds / 10}, [](std::uint64_t) { (void)std::chrono::steady_clock::now(); }));
}

}  // namespace

benchmark add_counting_benchmark(CLI::App& program) {
  const auto options = std::make_shared<counting_options>();
  auto* const counting = program.add_subcommand(
      "counting", "What does a figure cost? Processor time of one addition, beside an atomic that all threads share.");
  counting->add_option("--threads", options->threads, "That count at the same time")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  counting->add_option("--rounds", options->rounds, "Of each thread")
      ->check(CLI::Range(std::uint64_t{1'000}, std::uint64_t{1'000'000'000}))
      ->capture_default_str();
  return {counting, [options](session&) { run(*options); }, {}};
}

}  // namespace switchboard::bench
