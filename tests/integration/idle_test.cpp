#include "echo_service.hpp"

#include <condition_variable>
#include <mutex>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <switchboard/testkit/eventually.hpp>
#include <switchboard/testkit/live_server.hpp>

namespace switchboard {
namespace {

using namespace std::chrono_literals;

std::chrono::microseconds cpu_time() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& each) {
    return std::chrono::seconds{each.tv_sec} + std::chrono::microseconds{each.tv_usec};
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

TEST(IdleBroker, UsesNoProcessorTimeWithAThousandIdleConnections) {
  testkit::live_server server{{.threads = 2}};
  server.add(moody_echo_service());
  std::vector<std::unique_ptr<net::transport>> clients;
  for (int i = 0; i < 1'000; ++i) clients.push_back(net::system_network().connect(server.endpoint()).value());
  ASSERT_TRUE(testkit::eventually([&] { return server.broker().statistics().connections == 1'000; }));
  // The wait is what is measured: nothing happens in it. What making the connections left to do may fill the first ones.
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock{mutex};
  const auto used_in_a_second = [&] {
    const auto before = cpu_time();
    (void)never.wait_for(lock, 1s, [] { return false; });
    return cpu_time() - before;
  };
  // A waiting process has nothing to do at all; a millisecond is room for the system's own accounting.
  EXPECT_TRUE(testkit::eventually([&] { return used_in_a_second() < 1ms; }));
}

}  // namespace
}  // namespace switchboard
