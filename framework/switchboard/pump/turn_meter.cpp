#include <algorithm>
#include <array>
#include <ctime>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif
#if defined(__linux__)
#include <sys/resource.h>
#endif

#include <switchboard/pump/turn_meter.hpp>

namespace switchboard {
namespace {

using namespace std::chrono;
using metrics::bounds::ms, metrics::bounds::s, metrics::bounds::us;

constexpr std::array<std::uint64_t, 13> turn_bounds{500 * us, 1 * ms,  1'500 * us, 2 * ms,   2'500 * us, 3 * ms, 5 * ms,
                                                    10 * ms,  25 * ms, 50 * ms,    100 * ms, 500 * ms,   1 * s};
constexpr metrics::buckets turn{"turn", metrics::unit::seconds, turn_bounds};

turn_meter::ticks now() noexcept {
#if defined(__x86_64__)
  return __rdtsc();
#else
  return static_cast<turn_meter::ticks>(steady_clock::now().time_since_epoch().count());
#endif
}

nanoseconds processor_time_of_thread() noexcept {
  timespec read{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &read);
  return seconds{read.tv_sec} + nanoseconds{read.tv_nsec};
}

/// How often it was taken off its processor while it had work (getrusage(2)).
long interruptions_of_thread() noexcept {
#if defined(__linux__)
  rusage used{};
  ::getrusage(RUSAGE_THREAD, &used);
  return used.ru_nivcsw;
#else
  return 0;
#endif
}

}  // namespace

turn_meter::turn_meter(const std::shared_ptr<metrics::registry>& in) {
  if (!in) return;
  const auto figures = in->histograms("switchboard_pump_turn_cpu_seconds",
                                      "Processor time that an actor had in one go on a worker.", turn, {"interrupted"});
  figure_ = figures.with({"no"});
  interrupted_ = figures.with({"yes"});
}

void turn_meter::start() noexcept {
  began_ = now();
  busy_ += wait_ticks_;
  if (first_tick_ != 0) return;
  first_tick_ = began_;
  first_time_ = steady_clock::now();
  processor_time_ = processor_time_of_thread();
  interruptions_ = interruptions_of_thread();
}

void turn_meter::end_turn() noexcept {
  const auto ended = now();
  const auto took = ended - began_;
  began_ = ended;
  busy_ += took;
  if (busy_ >= interval_ticks_) [[unlikely]]
    measure(took);
  else
    figure_.observe(in_time(took));
}

std::chrono::nanoseconds turn_meter::elapsed() const noexcept {
  return in_time(now() - began_);
}

/// Reads the thread's clock, after a long turn or many short ones.
void turn_meter::measure(ticks took) noexcept {
  const auto read = processor_time_of_thread();
  const auto elapsed = duration<double, std::nano>(steady_clock::now() - first_time_).count();
  ns_per_tick_ = std::min(1.0, elapsed / static_cast<double>(began_ - first_tick_));
  interval_ticks_ = in_ticks(reading_interval);
  wait_ticks_ = in_ticks(wait_cost);
  const auto interruptions = interruptions_of_thread();
  const bool interrupted = interruptions != interruptions_ && in_time(took) >= reading_interval;
  (interrupted ? interrupted_ : figure_).observe(std::min(in_time(took), read - processor_time_));
  interruptions_ = interruptions;
  processor_time_ = read;
  busy_ = 0;
}

}  // namespace switchboard
