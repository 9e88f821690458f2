#include "comparison.hpp"

#include <algorithm>
#include <cstdio>

#include <sys/resource.h>

namespace switchboard::bench {
namespace {

using std::chrono::nanoseconds;

constexpr nanoseconds warm_up_time = std::chrono::milliseconds(300);

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const auto middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

nanoseconds own_cpu_time() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto of = [](const timeval& time) {
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
  };
  return of(used.ru_utime) + of(used.ru_stime);
}

void print_side(const side& of) {
  const auto us = [](nanoseconds value) { return std::chrono::duration<double, std::micro>(value).count(); };
  std::printf("%-16s %11.0f %9.1f %9.1f %9.1f %9.1f %9.1f %7llu ", of.name().c_str(), median(of.rates()),
              us(of.latency().quantile(0.5)), us(of.latency().quantile(0.9)), us(of.latency().quantile(0.99)),
              us(of.latency().quantile(0.999)), us(of.latency().max()), static_cast<unsigned long long>(of.errors()));
  if (of.cpu_per_result().empty())
    std::printf("%9s\n", "unknown");
  else
    std::printf("%9.3f\n", median(of.cpu_per_result()));
}

void print_ratio(const std::string& what, const std::vector<double>& ours, const std::vector<double>& theirs) {
  if (ours.size() != theirs.size()) return;
  std::vector<double> ratios;
  for (std::size_t each = 0; each < ours.size(); ++each) ratios.push_back(ours[each] / theirs[each]);
  const auto [least, greatest] = std::minmax_element(ratios.begin(), ratios.end());
  std::printf("  %-28s %.3f  (%.3f to %.3f)\n", what.c_str(), median(ratios), *least, *greatest);
}

}  // namespace

side::side(std::string name, const server_process& server, load run)
    : name_(std::move(name)), server_(&server), run_(std::move(run)) {}

void side::warm_up() {
  errors_ += run_(warm_up_time).errors;
}

void side::measure(nanoseconds length) {
  const auto cpu_before = server_->cpu_time();
  const auto slice = run_(length);
  const auto cpu_after = server_->cpu_time();
  const auto results = static_cast<double>(slice.results);
  rates_.push_back(results / std::chrono::duration<double>(slice.duration).count());
  if (cpu_before && cpu_after)
    cpu_per_result_.push_back(std::chrono::duration<double, std::micro>(*cpu_after - *cpu_before).count() / results);
  errors_ += slice.errors;
  latency_.add(slice.latency);
}

bool compare(side& measured, side* baseline, const schedule& plan, const std::string& result) {
  const auto length = nanoseconds(static_cast<std::int64_t>(plan.seconds * 1e9 / static_cast<double>(plan.slices)));
  measured.warm_up();
  if (baseline != nullptr) baseline->warm_up();

  const auto started = std::chrono::steady_clock::now();
  const auto cpu_before = own_cpu_time();
  for (std::size_t pair = 0; pair < plan.slices; ++pair) {
    // Who goes first alternates too, or a machine that slows down steadily would always favour the first.
    if (baseline != nullptr && pair % 2 == 1) baseline->measure(length);
    measured.measure(length);
    if (baseline != nullptr && pair % 2 == 0) baseline->measure(length);
  }
  const std::chrono::duration<double> client_cpu = own_cpu_time() - cpu_before;
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - started;

  std::printf("%zu slices of %.2f s each%s\n", plan.slices, std::chrono::duration<double>(length).count(),
              baseline != nullptr ? ", alternating" : "");
  std::printf("%-16s %11s %9s %9s %9s %9s %9s %7s %9s\n", "server", (result + "/s").c_str(), "p50 us", "p90 us",
              "p99 us", "p99.9 us", "max us", "errors", "CPU us");
  print_side(measured);
  if (baseline != nullptr) {
    print_side(*baseline);
    std::printf("%s / %s, median of the pairs of slices (least to greatest):\n", measured.name().c_str(),
                baseline->name().c_str());
    print_ratio("throughput", measured.rates(), baseline->rates());
    print_ratio("server CPU per " + result, measured.cpu_per_result(), baseline->cpu_per_result());
  }
  std::printf("client: %.0f %% of one processor (near 100 the throughputs are the client's)\n",
              100 * client_cpu.count() / elapsed.count());
  return measured.errors() == 0 && (baseline == nullptr || baseline->errors() == 0);
}

}  // namespace switchboard::bench
