// A whole chat broker in simulated worlds: in any weather no message is lost, doubled or out of order, and nothing is
// leaked.

#include "chat_world.hpp"
#include "seeds.hpp"

#include <gtest/gtest.h>

#include <switchboard/logging/logging.hpp>

namespace switchboard::simulation {
namespace {

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
  for_each_seed(2'000, [](std::uint64_t seed) { return run(seed, {}); });
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

TEST_F(ChatSimulation, FindsATransportThatCallsItsSocketDrainedTooSoon) {
  constexpr std::string_view hangs = "nothing happens any more";
  const chat_plan plan{.weather = {.latency = std::chrono::milliseconds{1}, .short_read = 500}};
  std::uint64_t hanging = 0;
  for (std::uint64_t seed = 1; seed <= 50 && hanging == 0; ++seed) {
    chat_world world{seed, plan};
    world.world().break_rule(simulated::fault::read_claims_drained);
    const auto wrong = world.run();
    EXPECT_NE(wrong, "") << "seed " << seed << " has noticed nothing";
    if (wrong.starts_with(hangs)) hanging = seed;
  }
  ASSERT_NE(hanging, 0u) << "no event was lost";
  EXPECT_EQ((chat_world{hanging, plan}.run()), "") << "it is not the false word";
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
