// A whole chat broker in simulated worlds: whatever the weather, no message is lost, doubled or out of order, and nothing
// is left behind. SWITCHBOARD_SIMULATION_SEED=N runs that seed alone, SWITCHBOARD_SIMULATION_SEEDS=N that many.

#include "chat_world.hpp"

#include <cstdlib>
#include <optional>

#include <gtest/gtest.h>

#include <switchboard/actors/logging.hpp>

namespace switchboard::simulation {
namespace {

using namespace std::chrono_literals;

std::optional<std::uint64_t> wanted(const char* name) {
  const char* const set = std::getenv(name);
  return set ? std::optional(std::strtoull(set, nullptr, 10)) : std::nullopt;
}

/// A day of its own for each seed: some faults, of any strength up to bad.
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

std::string run(std::uint64_t seed, chat_plan plan) {
  plan.weather = weather_of(seed);
  return chat_world{seed, plan}.run();
}

class ChatSimulation : public testing::Test {
protected:
  // The broker says what fails; here almost everything does.
  static void SetUpTestSuite() { logging::start(logging::level::off); }
  static void TearDownTestSuite() { logging::stop(); }
};

TEST_F(ChatSimulation, LosesNothingInThousandsOfWorlds) {
  if (const auto one = wanted("SWITCHBOARD_SIMULATION_SEED")) {
    EXPECT_EQ(run(*one, {}), "") << "seed " << *one;
    return;
  }
  const auto first = std::uint64_t{1};
  const auto count = wanted("SWITCHBOARD_SIMULATION_SEEDS").value_or(2'000);
  std::printf("seeds %llu to %llu\n", static_cast<unsigned long long>(first),
              static_cast<unsigned long long>(first + count - 1));
  for (auto seed = first; seed < first + count; ++seed)
    ASSERT_EQ(run(seed, {}), "") << "again: SWITCHBOARD_SIMULATION_SEED=" << seed;
}

TEST_F(ChatSimulation, LosesNothingWithAHundredClients) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed)
    ASSERT_EQ(run(seed, {.clients = 100, .rooms = 7, .messages = 5}), "") << "seed " << seed;
}

TEST_F(ChatSimulation, DoesTheSameForTheSameSeed) {
  const auto trace = [](std::uint64_t seed) {
    chat_plan plan{.weather = weather_of(seed)};
    chat_world world{seed, plan};
    EXPECT_EQ(world.run(), "");
    return std::pair(world.world().now().time_since_epoch().count(), world.world().rearms());
  };
  for (std::uint64_t seed = 1; seed <= 20; ++seed) EXPECT_EQ(trace(seed), trace(seed)) << "seed " << seed;
}

TEST_F(ChatSimulation, GoesOnAcceptingWhereThePortRunsOutOfMemory) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const chat_plan plan{.clients = 20, .messages = 1, .weather = {.request_failure = 400}};
    ASSERT_EQ((chat_world{seed, plan}.run()), "") << "seed " << seed;
  }
}

TEST_F(ChatSimulation, FindsAReArmThatIsLeftOut) {
  std::uint64_t hanging = 0;
  for (std::uint64_t seed = 1; seed <= 200 && hanging == 0; ++seed) {
    chat_world world{seed, {}};
    world.world().lose_rearm(seed % 50);
    if (world.run().starts_with("nothing happens any more")) hanging = seed;
  }
  ASSERT_NE(hanging, 0u) << "no seed noticed";
  std::printf("seed %llu hangs\n", static_cast<unsigned long long>(hanging));
  EXPECT_EQ((chat_world{hanging, {}}.run()), "") << "it is not the lost re-arm";
}

TEST(ChatLedger, SaysWhatIsLostDoubledOrOutOfOrder) {
  const auto faults_of = [](const std::vector<std::pair<std::uint64_t, std::uint64_t>>& messages) {
    chat_ledger ledger;
    for (const auto& [sequence, number] : messages) ledger.delivered("room", sequence, "ann", number);
    ledger.close("room", {{"ann", 3}});
    return ledger.faults().size();
  };
  EXPECT_EQ(faults_of({{1, 1}, {2, 2}, {3, 3}}), 0u);
  EXPECT_EQ(faults_of({{1, 1}, {2, 2}}), 1u) << "lost";
  EXPECT_NE(faults_of({{1, 1}, {2, 2}, {3, 3}, {4, 3}}), 0u) << "doubled";
  EXPECT_NE(faults_of({{1, 1}, {2, 2}, {3, 3}, {3, 2}}), 0u) << "two at one place";
  EXPECT_NE(faults_of({{1, 1}, {2, 3}, {3, 2}}), 0u) << "out of order";
  EXPECT_NE(faults_of({{1, 1}, {3, 2}, {4, 3}}), 0u) << "a gap";
}

}  // namespace
}  // namespace switchboard::simulation
