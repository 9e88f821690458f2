// Brokers that are killed at random instants, while clients talk: what was acknowledged is there exactly once, and every reader
// has read everything in order. SWITCHBOARD_CRASHES=N kills that many times, SWITCHBOARD_CRASH_SEED=N as that seed says.

#include "broker_process.hpp"
#include "transcript_check.hpp"

#include <cstdlib>
#include <filesystem>
#include <random>

#include <gtest/gtest.h>

#include <switchboard/testkit/eventually.hpp>

namespace switchboard {
namespace {

using namespace std::chrono_literals;
using testkit::eventually;

std::uint64_t wanted(const char* name, std::uint64_t otherwise) {
  const char* const set = std::getenv(name);
  return set ? std::strtoull(set, nullptr, 10) : otherwise;
}

class Crash : public testing::Test {
protected:
  static constexpr std::size_t people = 4;
  static constexpr std::uint64_t crashes_unless_told = 60;

  Crash() {
    auto name = (std::filesystem::temp_directory_path() / "switchboard-crash-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
  }
  ~Crash() override { std::filesystem::remove_all(directory_); }

  struct conversation {
    conversation(const std::string& program, const std::string& directory) : broker(program, directory) {}

    [[nodiscard]] bool begin() {
      if (!broker.start()) return false;
      for (std::size_t each = 0; each < people; ++each)
        talkers.push_back(std::make_unique<talker>(server, "room", "talker-" + std::to_string(each)));
      return true;
    }
    std::uint64_t acknowledged() const {
      std::uint64_t all = 0;
      for (const auto& each : talkers) all += each->acknowledged();
      return all;
    }
    /// Lets every talker finish and receive everything. @return the contradictions found.
    std::vector<std::string> end() {
      for (const auto& each : talkers) each->say_no_more();
      std::uint64_t last = 0;
      for (const auto& each : talkers) {
        if (!eventually([&] { return each->is_quiet(); })) return {each->name() + " is not answered"};
        last = std::max(last, each->last_acknowledged());
      }
      for (const auto& each : talkers)
        if (!eventually([&] { return each->has_heard(last); })) return {each->name() + " does not hear the end"};
      talker listener{server, "room", ""};
      if (!eventually([&] { return listener.is_caught_up(); })) return {"nobody can read the room"};
      listener.finish();
      for (const auto& each : talkers) each->finish();
      EXPECT_EQ(broker.stop(), 0);
      std::printf("%llu messages acknowledged, %zu in the log\n", static_cast<unsigned long long>(acknowledged()),
                  listener.heard().size());
      return faults_of(listener.heard(), talkers);
    }

    broker_process broker;
    const net::endpoint server = net::endpoint::parse(broker.address()).value();
    std::vector<std::unique_ptr<talker>> talkers;
  };

  /// Kills `program` `crashes` times while clients talk. @return the contradictions found.
  std::vector<std::string> faults_after(const std::string& program, std::uint64_t crashes) {
    const auto seed = wanted("SWITCHBOARD_CRASH_SEED", std::random_device{}());
    std::printf("SWITCHBOARD_CRASH_SEED=%llu, %llu crashes\n", static_cast<unsigned long long>(seed),
                static_cast<unsigned long long>(crashes));
    std::mt19937_64 random{seed};
    conversation talk{program, directory_};
    if (!talk.begin()) return {"the broker does not start"};
    for (std::uint64_t crash = 0; crash < crashes; ++crash) {
      // An instant that is random in the broker's work: after some messages and some microseconds more.
      const auto target = talk.acknowledged() + random() % 40;
      if (!eventually([&] { return talk.acknowledged() >= target; })) return {"nothing is acknowledged any more"};
      const auto at = std::chrono::steady_clock::now() + std::chrono::microseconds(random() % 3'000);
      while (std::chrono::steady_clock::now() < at) std::this_thread::yield();
      talk.broker.kill();
      if (!talk.broker.start()) return {"the broker does not start again"};
    }
    return talk.end();
  }

  std::string directory_;
};

TEST_F(Crash, LosesDoublesAndReordersNothing) {
  const auto faults = faults_after(CHAT_BROKER, wanted("SWITCHBOARD_CRASHES", crashes_unless_told));
  for (const auto& each : faults) ADD_FAILURE() << each;
}

TEST_F(Crash, LosesNothingWhereTheDiskFillsAndIsFreedAgain) {
  conversation talk{CHAT_BROKER, directory_};
  ASSERT_TRUE(talk.begin());
  for (int round = 0; round < 5; ++round) {
    const auto before = talk.acknowledged();
    ASSERT_TRUE(eventually([&] { return talk.acknowledged() >= before + 50; })) << "round " << round;
    std::vector<std::uint64_t> refused;
    for (const auto& each : talk.talkers) refused.push_back(each->refused());
    talk.broker.limit_files(0);
    for (std::size_t each = 0; each < people; ++each)
      ASSERT_TRUE(eventually([&] { return talk.talkers[each]->refused() > refused[each]; })) << "round " << round;
    talk.broker.limit_files(std::nullopt);
  }
  for (const auto& each : talk.end()) ADD_FAILURE() << each;
}

TEST_F(Crash, IsFoundWhereABrokerAcknowledgesBeforeItCommits) {
  EXPECT_FALSE(faults_after(HASTY_BROKER, crashes_unless_told).empty());
}

}  // namespace
}  // namespace switchboard
