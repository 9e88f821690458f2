#include <filesystem>
#include <fstream>
#include <limits>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include <switchboard/server/memory_allowed.hpp>

namespace switchboard {
namespace {

namespace fs = std::filesystem;

/// A root folder with the files that the system would show of a process and its machine.
class MemoryAllowed : public testing::Test {
protected:
  MemoryAllowed() {
    auto name = (fs::temp_directory_path() / "switchboard-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
    write("proc/meminfo", "MemTotal:        8000000 kB\nMemFree:          100 kB\n");
  }
  ~MemoryAllowed() override { fs::remove_all(root_); }

  void write(const std::string& file, const std::string& content) const {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream{root_ / file} << content;
  }

  static constexpr std::size_t machine = std::size_t{8'000'000} * 1024;
  fs::path root_;
};

TEST_F(MemoryAllowed, IsTheMachinesWhereNoGroupLimitsIt) {
  EXPECT_EQ(memory_allowed(root_), machine);
  write("proc/self/cgroup", "0::/\n");
  EXPECT_EQ(memory_allowed(root_), machine);
}

TEST_F(MemoryAllowed, IsWhatItsGroupAllows) {
  write("proc/self/cgroup", "0::/system.slice/broker.service\n");
  write("sys/fs/cgroup/system.slice/broker.service/memory.max", "268435456\n");
  EXPECT_EQ(memory_allowed(root_), 268435456u);
}

TEST_F(MemoryAllowed, IsWhatAGroupAboveAllows) {
  write("proc/self/cgroup", "0::/system.slice/broker.service\n");
  write("sys/fs/cgroup/system.slice/broker.service/memory.max", "max\n");
  write("sys/fs/cgroup/system.slice/memory.max", "1000000\n");
  EXPECT_EQ(memory_allowed(root_), 1'000'000u);
}

TEST_F(MemoryAllowed, IsWhatTheGroupOfAContainersRootAllows) {
  write("proc/self/cgroup", "0::/\n");
  write("sys/fs/cgroup/memory.max", "5000000\n");
  EXPECT_EQ(memory_allowed(root_), 5'000'000u);
}

TEST_F(MemoryAllowed, IsWhatAGroupOfVersionOneAllows) {
  write("proc/self/cgroup", "12:pids:/a\n4:cpu,memory:/docker/1\n0::/elsewhere\n");
  write("sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes", "7000000\n");
  EXPECT_EQ(memory_allowed(root_), 7'000'000u);
}

TEST_F(MemoryAllowed, IsNotMoreThanTheMachineHas) {
  write("proc/self/cgroup", "4:memory:/\n");
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(memory_allowed(root_), machine);
}

TEST_F(MemoryAllowed, OfThisProcessIsSomething) {
  EXPECT_GT(memory_allowed(), std::size_t{1} << 20);
  EXPECT_LT(memory_allowed(), std::numeric_limits<std::size_t>::max());
}

}  // namespace
}  // namespace switchboard
