#include "echo_service.hpp"

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>

#include <gtest/gtest.h>

#include <switchboard/testkit/eventually.hpp>
#include <switchboard/testkit/live_server.hpp>

namespace switchboard {
namespace {

using namespace std::chrono_literals;

/// What the pump's threads have used so far: a sanitizer keeps a thread of its own in the process, and that one works.
std::chrono::nanoseconds cpu_time_of_the_pump() {
  std::chrono::nanoseconds all{0};
  std::error_code ended;
  for (const auto& task : std::filesystem::directory_iterator{"/proc/self/task", ended}) {
    std::string name;
    std::getline(std::ifstream{task.path() / "comm"}, name);
    if (!name.starts_with("pump.")) continue;
    std::int64_t used = 0;
    std::ifstream{task.path() / "schedstat"} >> used;
    all += std::chrono::nanoseconds{used};
  }
  return all;
}

TEST(IdleBroker, UsesNoProcessorTimeWithAThousandIdleConnections) {
  testkit::live_server server{{.threads = 2}};
  server.add(moody_echo_service());
  std::vector<std::unique_ptr<net::transport>> clients;
  for (int i = 0; i < 1'000; ++i) clients.push_back(net::system_network().connect(server.endpoint()).value());
  ASSERT_TRUE(testkit::eventually([&] { return server.figures().value("switchboard_connections") == 1'000; }));
  // The wait is what is measured: nothing happens in it. What making the connections left to do may fill the first ones.
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock{mutex};
  const auto used_in_a_second = [&] {
    const auto before = cpu_time_of_the_pump();
    (void)never.wait_for(lock, 1s, [] { return false; });
    return cpu_time_of_the_pump() - before;
  };
  ASSERT_GT(cpu_time_of_the_pump(), 0ns);
  // It has nothing to do at all; a millisecond is room for the system's own accounting.
  EXPECT_TRUE(testkit::eventually([&] { return used_in_a_second() < 1ms; }));
}

}  // namespace
}  // namespace switchboard
