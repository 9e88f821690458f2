#include "server_process.hpp"

#include "interruption.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <switchboard/net/network.hpp>

namespace switchboard::bench {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds start_timeout{20};
/// Above the drain and flush timeouts that servers have by default.
constexpr std::chrono::seconds stop_timeout{10};
constexpr std::string_view greeting = "listening on ";

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what);
}

int milliseconds_until(steady_clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now()).count();
  return static_cast<int>(left < 0 ? 0 : left);
}

/// The child's first line.
std::string first_line(int from, const std::string& program) {
  const auto deadline = steady_clock::now() + start_timeout;
  std::string line;
  for (;;) {
    check_interruption();
    pollfd readable{from, POLLIN, 0};
    const auto ready = ::poll(&readable, 1, milliseconds_until(deadline));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) fail(program + " did not say where it listens");
    char byte = 0;
    const auto got = ::read(from, &byte, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) fail(program + " ended before it said where it listens");
    if (byte == '\n') return line;
    line += byte;
  }
}

[[noreturn]] void become(const std::vector<std::string>& command, const std::vector<std::pair<int, int>>& descriptors,
                         pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(127);
  for (const auto& [from, as] : descriptors) ::dup2(from, as);
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const auto& each : command) arguments.push_back(const_cast<char*>(each.c_str()));
  arguments.push_back(nullptr);
  ::execv(arguments[0], arguments.data());
  const std::string_view reason = std::strerror(errno);
  const auto line = "cannot run " + command[0] + ": " + std::string(reason) + "\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
  ::_exit(127);
}

bool takes_connections(const net::endpoint& address) {
  const auto connecting = net::system_network().connect(address);
  if (!connecting) return false;
  pollfd writable{static_cast<int>((*connecting)->handle()), POLLOUT, 0};
  return ::poll(&writable, 1, 100) > 0 && !(*connecting)->pending_error();
}

}  // namespace

server_process server_process::spawn(const std::vector<std::string>& command,
                                     const std::vector<std::pair<int, int>>& descriptors) {
  const pid_t self = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) fail(std::string("fork: ") + std::strerror(errno));
  if (child == 0) become(command, descriptors, self);
  server_process server;
  server.pid_ = child;
  server.started_ = true;
  return server;
}

server_process server_process::start(const std::vector<std::string>& command) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail(std::string("pipe: ") + std::strerror(errno));
  auto server = spawn(command, {{ends[1], STDOUT_FILENO}});
  ::close(ends[1]);
  const std::string line = first_line(ends[0], command[0]);
  // The server writes nothing more; a write would fail with EPIPE.
  ::close(ends[0]);
  if (!line.starts_with(greeting)) fail(command[0] + " said '" + line + "' instead of where it listens");
  const auto address = net::endpoint::parse(line.substr(greeting.size()));
  if (!address) fail(command[0] + " listens at '" + line.substr(greeting.size()) + "', which is no address");
  server.address_ = *address;
  return server;
}

server_process server_process::start(const std::vector<std::string>& command, net::endpoint address) {
  // What it logs of itself would be between the tables.
  const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  auto server = spawn(command, {{nowhere, STDOUT_FILENO}, {nowhere, STDERR_FILENO}});
  ::close(nowhere);
  const auto deadline = steady_clock::now() + start_timeout;
  while (!takes_connections(address)) {
    check_interruption();
    if (server.has_ended()) fail(command[0] + " ended instead of listening at " + address.to_string());
    if (steady_clock::now() > deadline) fail(command[0] + " does not listen at " + address.to_string());
    ::poll(nullptr, 0, 5);
  }
  server.address_ = std::move(address);
  return server;
}

server_process server_process::attach(net::endpoint address, std::optional<pid_t> pid) {
  server_process server;
  server.address_ = std::move(address);
  server.pid_ = pid;
  return server;
}

server_process::server_process(server_process&& other) noexcept
    : address_(std::move(other.address_)), pid_(other.pid_), started_(std::exchange(other.started_, false)) {}

server_process::~server_process() {
  stop();
}

std::optional<std::chrono::nanoseconds> server_process::cpu_time() const {
  if (!pid_) return std::nullopt;
  // Nanoseconds of all threads; /proc/PID/stat counts in ticks of 10 ms, too coarse for a slice.
  clockid_t clock{};
  timespec now{};
  if (::clock_getcpuclockid(*pid_, &clock) != 0 || ::clock_gettime(clock, &now) != 0)
    fail("process " + std::to_string(*pid_) + " is gone");
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

bool server_process::has_ended() const {
  siginfo_t ended{};
  return ::waitid(P_PID, static_cast<id_t>(*pid_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid != 0;
}

bool server_process::stop() {
  if (!std::exchange(started_, false)) return true;
  ::kill(*pid_, SIGTERM);
  const int handle = static_cast<int>(::syscall(SYS_pidfd_open, *pid_, 0));
  if (handle >= 0) {
    pollfd ended{handle, POLLIN, 0};
    if (::poll(&ended, 1, milliseconds_until(steady_clock::now() + stop_timeout)) <= 0) ::kill(*pid_, SIGKILL);
    ::close(handle);
  }
  int status = 0;
  while (::waitpid(*pid_, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) == 0 : WTERMSIG(status) == SIGTERM;
}

}  // namespace switchboard::bench
