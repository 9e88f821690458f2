// What every server program does with its command line before it serves.

#include "shell.hpp"

#include <array>
#include <thread>

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

namespace switchboard {
namespace {

/// From here on this thread, and what it starts, may not set up an io_uring.
void forbid_io_uring() {
  std::array<sock_filter, 4> program{
      sock_filter{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
      sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, __NR_io_uring_setup},
      sock_filter{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EPERM},
      sock_filter{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
  };
  const sock_fprog filter{program.size(), program.data()};
  ASSERT_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  ASSERT_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0), 0);
}

TEST(ServerProgram, SaysInOneLineWhyTheSystemHasNoSuchNotificationPort) {
  outcome ended;
  std::thread{[&] {
    forbid_io_uring();
    ended = run_shell(ECHO_SERVER " --listen 127.0.0.1:0 --port io_uring 2>&1");
  }}.join();
  EXPECT_EQ(ended.status, 1);
  ASSERT_EQ(ended.lines().size(), 1u) << ended.output;
  EXPECT_NE(ended.output.find("notification port io_uring: Operation not permitted"), std::string::npos)
      << ended.output;
  EXPECT_NE(ended.output.find("kernel.io_uring_disabled"), std::string::npos) << ended.output;
}

TEST(ChatBrokerProgram, SaysInOneLineWhyItCannotKeepRoomsThere) {
  const auto ended = run_shell(CHAT_BROKER " --listen 127.0.0.1:0 --data /dev/null/rooms 2>&1");
  EXPECT_EQ(ended.status, 1);
  ASSERT_EQ(ended.lines().size(), 1u) << ended.output;
  EXPECT_NE(ended.output.find("/dev/null/rooms"), std::string::npos) << ended.output;
}

TEST(ChatBrokerProgram, PromisesNothingThatItCannotKeep) {
  for (const auto* options : {"--durability fsync", "--durability often", "--data /tmp --durability memory"}) {
    const auto ended = run_shell(std::string(CHAT_BROKER " --listen 127.0.0.1:0 ") + options + " 2>&1");
    EXPECT_EQ(ended.status, 2) << options;
    EXPECT_NE(ended.output.find("--durability"), std::string::npos) << ended.output;
  }
}

}  // namespace
}  // namespace switchboard
