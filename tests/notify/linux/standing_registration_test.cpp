#include "../notification_port_contract.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <sys/socket.h>

/// Rules N32 and N56 as epoll's port keeps them, seen in the kernel: proc(5) shows what is registered at an epoll set, with the
/// token of its last arm.

namespace switchboard::notify {
namespace {

/// How `socket` is registered at an epoll set of this process; empty where it is at none.
std::string registration_at_kernel(const net::transport& socket) {
  const auto number = static_cast<std::intptr_t>(socket.handle());
  for (const auto& each : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (std::filesystem::read_symlink(each.path(), gone) != "anon_inode:[eventpoll]") continue;
    std::ifstream set("/proc/self/fdinfo/" + each.path().filename().string());
    for (std::string line; std::getline(set, line);) {
      std::istringstream words(line);
      std::string word;
      std::intptr_t registered = -1;
      if (words >> word >> registered && word == "tfd:" && registered == number) return line;
    }
  }
  return {};
}

TEST_P(NotificationPortOnEpoll, N56ArmOfADrainedSocketAsksNothingOfTheKernel) {
  begin(interest::in | interest::hangup);
  const auto standing = registration_at_kernel(*pair.near);
  ASSERT_NE(standing, "");
  for (int round = 0; round < 10; ++round) {
    pass_message("x");
    arm_drained_for(interest::in | interest::hangup);
    EXPECT_EQ(registration_at_kernel(*pair.near), standing);
  }
  pass_message("x");
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in | interest::hangup)));
  EXPECT_NE(registration_at_kernel(*pair.near), standing) << "without the word";
}

TEST_P(NotificationPortOnEpoll, N56RegistrationDoesNotStandBeforeTheWord) {
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
  const auto first = registration_at_kernel(*pair.near);
  pass_message("x");
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
  const auto second = registration_at_kernel(*pair.near);
  EXPECT_NE(first, second);
  pass_message("x");
  arm_drained_for(interest::in);
  EXPECT_NE(registration_at_kernel(*pair.near), second);
}

TEST_P(NotificationPortOnEpoll, N56RegistrationStandsAgainOnceTheKernelWasAsked) {
  begin_fired(interest::in);
  arrive("between");
  EXPECT_TRUE(is_quiet(port()));
  arm_drained_for(interest::in);
  const auto standing = registration_at_kernel(*pair.near);
  for (int round = 0; round < 3; ++round) {
    ASSERT_EQ(next(port()), packet_of(1, event::in)) << round;
    EXPECT_EQ(read_once(*pair.near), "between");
    arm_drained_for(interest::in);
    EXPECT_EQ(registration_at_kernel(*pair.near), standing) << round;
    send(*pair.far, "between");
  }
}

TEST_P(NotificationPortOnEpoll, N9DisabledSocketWakesNoThread) {
  begin_fired(interest::in);
  ASSERT_FALSE(port().apply(disable(*pair.near)));
  EXPECT_EQ(registration_at_kernel(*pair.near), "");
}

TEST_P(NotificationPortOnEpoll, N32SocketThatStaysFiredWakesNoThreadForEver) {
  begin_fired(interest::in);
  arrive("x");
  EXPECT_TRUE(is_quiet(port()));
  EXPECT_NE(registration_at_kernel(*pair.near), "");
  arrive("y");
  EXPECT_TRUE(is_quiet(port()));
  EXPECT_EQ(registration_at_kernel(*pair.near), "");
  arm_drained_for(interest::in);
  EXPECT_EQ(next(port()), packet_of(1, event::in));
  EXPECT_EQ(read_once(*pair.near), "xy");
}

/// A read stops before the urgent byte, and is short.
TEST_P(NotificationPortOnEpoll, N56UrgentDataHidesNothing) {
  begin(interest::in);
  const auto far = static_cast<int>(pair.far->handle());
  send(*pair.far, "before");
  ASSERT_EQ(::send(far, "!", 1, MSG_OOB), 1);
  send(*pair.far, "after");
  std::string received;
  while (received.size() < std::string_view("beforeafter").size()) {
    ASSERT_EQ(next(port()), packet_of(1, event::in)) << received;
    received += read_once(*pair.near);
    arm_drained_for(interest::in);
  }
  EXPECT_EQ(received, "beforeafter");
}

}  // namespace
}  // namespace switchboard::notify
