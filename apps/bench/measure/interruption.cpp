#include "interruption.hpp"

#include <csignal>
#include <stdexcept>

namespace switchboard::bench {
namespace {

volatile std::sig_atomic_t came = 0;

void note(int signal) {
  came = signal;
}

}  // namespace

void end_in_order_when_interrupted() {
  for (const int signal : {SIGINT, SIGTERM}) {
    struct sigaction now {};
    if (::sigaction(signal, nullptr, &now) != 0 || now.sa_handler == SIG_IGN) continue;
    // Without SA_RESTART: a call that waits then fails with EINTR.
    struct sigaction once {};
    once.sa_handler = note;
    once.sa_flags = static_cast<int>(SA_RESETHAND);
    ::sigaction(signal, &once, nullptr);
  }
}

int interrupted_by() noexcept {
  return came;
}

void check_interruption() {
  if (came != 0) throw std::runtime_error("interrupted");
}

}  // namespace switchboard::bench
