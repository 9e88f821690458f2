#include <atomic>
#include <ctime>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sys/resource.h>
#endif

#include <gtest/gtest.h>

#include <switchboard/metrics/registry.hpp>
#include <switchboard/pump/turn_meter.hpp>

namespace switchboard {
namespace {

using namespace std::chrono_literals;

std::chrono::nanoseconds processor_time() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec};
}

/// Uses so much of the processor, however long that takes; what it did use.
std::chrono::nanoseconds work(std::chrono::nanoseconds time) {
  const auto began = processor_time();
  auto used = 0ns;
  while (used < time) used = processor_time() - began;
  return used;
}

class TurnMeter : public testing::Test {
protected:
  /// Of interrupted turns, and of all others.
  double count() const { return of_both(&metrics::series_reading::value); }
  double sum() const { return of_both(&metrics::series_reading::sum); }
  template <class Member>
  double of_both(Member member) const {
    double total = 0;
    const auto all = figures->read();
    for (const auto& each : all.find("switchboard_pump_turn_cpu_seconds")->series)
      total += static_cast<double>(each.*member);
    return total;
  }
  /// How many turns had more than `bound` seconds.
  std::uint64_t above(double bound) const {
    const auto all = figures->read();
    const auto& family = *all.find("switchboard_pump_turn_cpu_seconds");
    std::uint64_t count = 0;
    for (const auto& each : family.series) {
      count += each.buckets.back();
      for (std::size_t i = 0; i < family.bounds.size(); ++i)
        if (family.bounds[i] > bound) count += each.buckets[i];
    }
    return count;
  }

  const std::shared_ptr<metrics::registry> figures = std::make_shared<metrics::registry>();
  turn_meter meter{figures};
};

TEST_F(TurnMeter, CountsEachTurn) {
  meter.start();
  for (int i = 0; i < 10; ++i) meter.end_turn();
  EXPECT_EQ(count(), 10);
  EXPECT_EQ(above(0.0005), 0u);
}

TEST_F(TurnMeter, MeasuresTheProcessorTimeOfALongTurn) {
  meter.start();
  const auto used = std::chrono::duration<double>(work(20ms)).count();
  meter.end_turn();
  EXPECT_EQ(above(0.010), 1u);
  EXPECT_GE(sum(), used * 0.999) << "never too low";
}

TEST_F(TurnMeter, CountsNoTimeInWhichItsThreadDidNotRun) {
  meter.start();
  std::this_thread::sleep_for(50ms);  // what is measured: time that passes without the thread
  meter.end_turn();
  EXPECT_EQ(above(0.003), 0u);
}

TEST_F(TurnMeter, CountsNoSleepBetweenTurns) {
  meter.start();
  meter.end_turn();
  std::this_thread::sleep_for(20ms);  // as a worker waits
  meter.start();
  meter.end_turn();
  EXPECT_EQ(above(0.003), 0u);
  EXPECT_LT(sum(), 0.005);
}

TEST_F(TurnMeter, AddsAtMostOneIntervalOfTheTurnsBeforeToALongOne) {
  meter.start();
  work(2ms);
  meter.end_turn();
  auto before = 0ns;
  for (int i = 0; i < 4; ++i) {
    before += work(100us);
    meter.end_turn();
  }
  const auto before_sum = sum();
  const auto used = work(2ms);
  meter.end_turn();
  const auto counted = std::chrono::duration<double>(sum() - before_sum);
  EXPECT_GE(counted, std::chrono::duration<double>(used) * 0.999);
  EXPECT_LE(counted, std::chrono::duration<double>(used + before) + 1ms);
}

TEST_F(TurnMeter, KnowsAboutHowLongItsTicksAre) {
  meter.start();
  work(20ms);
  meter.end_turn();
  const auto began = meter.began();
  const auto used = work(20ms);
  meter.end_turn();
  EXPECT_GE(meter.in_time(meter.began() - began), used * 9 / 10);
}

#if defined(__linux__)
TEST_F(TurnMeter, CountsATurnApartInWhichItsThreadWasTakenOffItsProcessor) {
  const auto interruptions = [] {
    rusage used{};
    ::getrusage(RUSAGE_THREAD, &used);
    return used.ru_nivcsw;
  };
  // More that work than there are processors.
  std::atomic<bool> over = false;
  std::vector<std::thread> others(std::thread::hardware_concurrency());
  for (auto& each : others) {
    each = std::thread{[&] {
      while (!over) work(1ms);
    }};
  }
  meter.start();
  const auto before = interruptions();
  for (const auto deadline = std::chrono::steady_clock::now() + 10s;
       interruptions() == before && std::chrono::steady_clock::now() < deadline;)
    work(1ms);
  meter.end_turn();
  over = true;
  for (auto& each : others) each.join();
  EXPECT_EQ(figures->read().find("switchboard_pump_turn_cpu_seconds", {"yes"})->value, 1);
}
#endif

TEST(TurnMeterWithoutFigures, CountsNothing) {
  turn_meter meter{nullptr};
  meter.start();
  meter.end_turn();
  EXPECT_GT(meter.began(), 0u);
}

}  // namespace
}  // namespace switchboard
