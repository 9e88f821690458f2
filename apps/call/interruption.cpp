#include "interruption.hpp"

#include <atomic>
#include <csignal>

#include <fcntl.h>
#include <unistd.h>

namespace switchboard::call {
namespace {

std::atomic<bool> interrupted{false};
std::atomic<int> to_tell{-1};

void on_interrupt(int) {
  interrupted.store(true);
  const char word = 0;
  [[maybe_unused]] const auto written = ::write(to_tell.load(), &word, 1);
}

}  // namespace

interruption::interruption() noexcept {
  if (::pipe2(ends_, O_NONBLOCK | O_CLOEXEC) != 0) return;
  to_tell.store(ends_[1]);
  struct sigaction action = {};
  action.sa_handler = on_interrupt;
  action.sa_flags = SA_RESETHAND;
  ::sigaction(SIGINT, &action, nullptr);
}

interruption::~interruption() {
  if (ends_[0] < 0) return;
  std::signal(SIGINT, SIG_DFL);
  to_tell.store(-1);
  ::close(ends_[0]);
  ::close(ends_[1]);
}

bool interruption::came() noexcept {
  return interrupted.load();
}

}  // namespace switchboard::call
