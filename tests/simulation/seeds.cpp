#include "seeds.hpp"

#include <cstdio>
#include <cstdlib>
#include <optional>

#include <gtest/gtest.h>

namespace switchboard::simulation {
namespace {

using namespace std::chrono_literals;

std::optional<std::uint64_t> wanted(const char* name) {
  const char* const set = std::getenv(name);
  return set ? std::optional(std::strtoull(set, nullptr, 10)) : std::nullopt;
}

}  // namespace

simulated::weather weather_of(std::uint64_t seed) {
  simulated::dice dice{seed ^ 0x5eed};
  const auto up_to = [&dice](unsigned limit) {
    return dice.below(2) == 0 ? 0 : static_cast<simulated::chance>(dice.below(limit + 1));
  };
  const auto up_to_time = [&dice](std::chrono::microseconds limit) {
    return dice.below(2) == 0 ? 0us : std::chrono::microseconds(dice.below(static_cast<std::uint64_t>(limit.count())));
  };
  simulated::weather today;
  today.latency = up_to_time(5ms);
  today.send_buffer_bytes = 16 + dice.below(dice.below(2) == 0 ? 200 : 20'000);
  today.short_read = up_to(500);
  today.short_write = up_to(500);
  today.would_block = up_to(400);
  today.cut = up_to(20);
  today.accept_failure = up_to(300);
  today.spurious = up_to(200);
  today.late_packet = up_to(300);
  today.late_removal = up_to(500);
  today.stale_packet = up_to(500);
  today.request_failure = up_to(50);
  today.call_failure = up_to(50);
  today.shuffled = dice.below(2) == 0;
  return today;
}

void for_each_seed(std::uint64_t count, const std::function<std::string(std::uint64_t seed)>& run) {
  const auto one = wanted("SWITCHBOARD_SIMULATION_SEED");
  const auto first = one.value_or(1);
  const auto last = one.value_or(wanted("SWITCHBOARD_SIMULATION_SEEDS").value_or(count));
  std::printf("seeds %llu to %llu\n", static_cast<unsigned long long>(first), static_cast<unsigned long long>(last));
  for (auto seed = first; seed <= last; ++seed)
    ASSERT_EQ(run(seed), "") << "again: SWITCHBOARD_SIMULATION_SEED=" << seed;
}

}  // namespace switchboard::simulation
