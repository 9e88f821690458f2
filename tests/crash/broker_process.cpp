#include "broker_process.hpp"

#include <array>
#include <csignal>
#include <utility>

#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace switchboard {
namespace {

constexpr int patience_ms = 20'000;

}  // namespace

bool broker_process::start() {
  std::array<int, 2> output{};
  if (::pipe(output.data()) != 0) return false;
  const pid_t self = ::getpid();
  process_ = ::fork();
  if (process_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    // A full disk gives an error, no signal.
    std::signal(SIGXFSZ, SIG_IGN);
    if (::getppid() != self) ::_exit(127);
    ::dup2(output[1], STDOUT_FILENO);
    ::close(output[0]);
    ::close(output[1]);
    const auto data = directory_ + "/data";
    ::execl(program_.c_str(), program_.c_str(), "--listen", address().c_str(), "--data", data.c_str(), "--threads", "2",
            "--log-level", "warn", nullptr);
    ::_exit(127);
  }
  ::close(output[1]);
  std::array<char, 256> line{};
  pollfd ready{output[0], POLLIN, 0};
  const bool said = ::poll(&ready, 1, patience_ms) == 1 && ::read(output[0], line.data(), line.size()) > 0;
  ::close(output[0]);
  return said;
}

void broker_process::limit_files(std::optional<std::uint64_t> bytes) {
  rlimit limit{};
  ::prlimit(process_, RLIMIT_FSIZE, nullptr, &limit);
  limit.rlim_cur = bytes ? *bytes : limit.rlim_max;
  ::prlimit(process_, RLIMIT_FSIZE, &limit, nullptr);
}

void broker_process::kill() {
  if (process_ <= 0) return;
  ::kill(process_, SIGKILL);
  ::waitpid(std::exchange(process_, -1), nullptr, 0);
}

int broker_process::stop() {
  ::kill(process_, SIGTERM);
  int status = 0;
  ::waitpid(std::exchange(process_, -1), &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace switchboard
