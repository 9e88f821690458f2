#include "epoll_set.hpp"

#include "measure/interruption.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

#include <sys/prctl.h>
#include <unistd.h>

namespace switchboard::bench {

epoll_set::epoll_set() : descriptor_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (descriptor_ < 0) throw std::runtime_error(std::string("epoll_create1: ") + std::strerror(errno));
  // Timers of a thread may otherwise fire up to 50 us late, which a fixed rate would show as the server's latency.
  ::prctl(PR_SET_TIMERSLACK, 1UL);
}

epoll_set::~epoll_set() {
  ::close(descriptor_);
}

std::span<const epoll_event> epoll_set::wait(std::chrono::nanoseconds timeout) {
  const auto left = std::max(timeout, std::chrono::nanoseconds(0));
  const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
  const timespec time{seconds.count(), (left - seconds).count()};
  for (;;) {
    check_interruption();
    const int count = ::epoll_pwait2(descriptor_, events_.data(), events_per_wait, &time, nullptr);
    if (count >= 0) return std::span(events_).first(static_cast<std::size_t>(count));
    if (errno != EINTR) throw std::runtime_error(std::string("epoll_pwait2: ") + std::strerror(errno));
  }
}

}  // namespace switchboard::bench
