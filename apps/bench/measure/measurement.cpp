#include "measurement.hpp"

#include "interruption.hpp"

#include <algorithm>
#include <stdexcept>

#include <sys/resource.h>

namespace switchboard::bench {
namespace {

using std::chrono::nanoseconds;

constexpr nanoseconds warm_up_max = std::chrono::milliseconds(300);

nanoseconds own_cpu_time() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto of = [](const timeval& time) {
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
  };
  return of(used.ru_utime) + of(used.ru_stime);
}

double microseconds(nanoseconds time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

/// What goes wrong with a server is said with its name.
template <class Act>
auto named(const side& of, Act&& act) {
  try {
    return act();
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(of.name() + ": " + error.what());
  }
}

void measure_slice(measurement& into, side& of, nanoseconds length) {
  const auto cpu_before = of.cpu_time();
  const auto slice = named(of, [&] { return of.work().run(length); });
  const auto cpu_after = of.cpu_time();
  // A slice without any is reported as wrong, or as failed; its figures must be numbers all the same.
  const auto results = static_cast<double>(std::max<std::uint64_t>(slice.results, 1));
  into.rates.push_back(static_cast<double>(slice.results) / std::chrono::duration<double>(slice.duration).count());
  if (cpu_before && cpu_after) into.cpu_per_result.push_back(microseconds(*cpu_after - *cpu_before) / results);
  into.p50.push_back(microseconds(slice.latency.quantile(0.5)));
  into.results += slice.results;
  into.wrong += slice.wrong;
  into.latency.add(slice.latency);
  into.lateness.add(slice.lateness);
}

}  // namespace

nanoseconds schedule::slice_length() const noexcept {
  return nanoseconds(static_cast<std::int64_t>(seconds * 1e9 / static_cast<double>(slices)));
}

bool experiment::all_right() const noexcept {
  return failures.empty() &&
         std::all_of(servers.begin(), servers.end(), [](const auto& each) { return each.wrong == faults{}; });
}

void measure(experiment& of, std::vector<side>& sides, progress& shown, const observation& look) {
  const auto length = of.plan.slice_length();
  shown.begin(of.workload, sides.size() * (of.plan.slices + 1));
  for (auto& each : sides) {
    auto& made = of.servers.emplace_back();
    made.server = each.name();
    // While caches, allocators and the processor's clock reach their steady state.
    made.wrong += named(each, [&] { return each.work().run(std::min(length, warm_up_max)); }).wrong;
    shown.advance();
  }

  const auto started = std::chrono::steady_clock::now();
  const auto cpu_before = own_cpu_time();
  for (std::size_t slice = 0; slice < of.plan.slices; ++slice)
    for (std::size_t turn = 0; turn < sides.size(); ++turn) {
      // Who goes first alternates too, or a machine that slows down steadily would always favour the first.
      const auto each = (slice + turn) % sides.size();
      check_interruption();
      measure_slice(of.servers[each], sides[each], length);
      shown.advance();
    }
  of.client_cpu = std::chrono::duration<double>(own_cpu_time() - cpu_before) /
                  std::chrono::duration<double>(std::chrono::steady_clock::now() - started);

  for (std::size_t each = 0; each < sides.size(); ++each) {
    of.servers[each].wrong += named(sides[each], [&] { return sides[each].work().verify(); });
    of.servers[each].memory_per_connection = sides[each].memory_per_connection;
  }
  if (look) look(of, sides);
  // How the others end is theirs: some know no orderly end.
  for (auto& each : sides)
    if (!each.stop() && &each == &sides.front())
      of.failures.push_back(each.name() + " did not end in order when it was stopped");
  shown.clear();
}

}  // namespace switchboard::bench
