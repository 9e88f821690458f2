#include <cerrno>
#include <system_error>
#include <utility>

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <switchboard/error/invariant.hpp>
#include <switchboard/server/signals.hpp>

namespace switchboard {

namespace {

bool is_ignored(int number) noexcept {
  struct sigaction now {};
  return ::sigaction(number, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

}  // namespace

termination_signals::termination_signals() {
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGTERM);
  sigaddset(&wanted, SIGINT);
  sigaddset(&wanted, SIGUSR1);
  // A blocked signal would be read here though it is ignored.
  if (!is_ignored(SIGHUP)) sigaddset(&wanted, SIGHUP);
  if (const int failure = pthread_sigmask(SIG_BLOCK, &wanted, nullptr); failure != 0)
    throw std::system_error(failure, std::system_category(), "pthread_sigmask");
  signal(SIGPIPE, SIG_IGN);
  signals_ = ::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals_ < 0) throw std::system_error(errno, std::system_category(), "signalfd");
  stop_event_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (stop_event_ < 0) {
    const int failure = errno;
    ::close(signals_);
    throw std::system_error(failure, std::system_category(), "eventfd");
  }
}

termination_signals::~termination_signals() {
  stop();
  ::close(signals_);
  ::close(stop_event_);
}

void termination_signals::watch(std::function<void()> drain, std::function<void()> at_once,
                                std::function<void()> report) {
  SWITCHBOARD_INVARIANT(!waiter_.joinable(), "signals are watched once");
  waiter_ = std::thread([this, drain = std::move(drain), at_once = std::move(at_once), report = std::move(report)] {
    run(drain, at_once, report);
  });
}

void termination_signals::stop() noexcept {
  if (!waiter_.joinable()) return;
  const std::uint64_t one = 1;
  // Fails only where the event is set already, which is what is wanted.
  [[maybe_unused]] const auto written = ::write(stop_event_, &one, sizeof one);
  waiter_.join();
}

void termination_signals::run(const std::function<void()>& drain, const std::function<void()>& at_once,
                              const std::function<void()>& report) const {
  auto came = next_signal();
  for (; came == SIGUSR1; came = next_signal())
    if (report) report();
  if (came == 0) return;
  drain();
  do came = next_signal();
  while (came == SIGUSR1);
  if (came != 0) at_once();
}

/// Its number; 0 when stop() was called.
int termination_signals::next_signal() const noexcept {
  for (;;) {
    pollfd watched[2] = {{stop_event_, POLLIN, 0}, {signals_, POLLIN, 0}};
    if (::poll(watched, 2, -1) < 0) {
      SWITCHBOARD_INVARIANT(errno == EINTR, "poll fails only where its descriptors are not ours any more");
      continue;
    }
    if (watched[0].revents != 0) return 0;
    signalfd_siginfo info;
    if (::read(signals_, &info, sizeof info) == sizeof info) return static_cast<int>(info.ssi_signo);
  }
}

}  // namespace switchboard
