#include "hand_loop.hpp"

#include "frame_echo.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include <sys/epoll.h>
#include <unistd.h>

#include <switchboard/net/network.hpp>

namespace switchboard::bench {
namespace {

constexpr std::size_t chunk_bytes = 64 * 1024;
constexpr int events_per_wait = 128;

struct connection {
  std::unique_ptr<net::transport> transport;
  int descriptor = -1;
  int epoll = -1;
  // What it is armed for. The kernel passes a connection from thread to thread; in C++'s terms this does.
  std::atomic<std::uint32_t> interest{0};
  frame_echo echo;

  std::size_t unsent() const noexcept { return echo.unsent().size(); }

  bool read(std::span<std::byte> scratch) {
    const auto got = ::read(descriptor, scratch.data(), scratch.size());
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    return got != 0 && echo.take(scratch.first(static_cast<std::size_t>(got)));
  }

  bool write() {
    const auto left = echo.unsent();
    if (left.empty()) return true;
    const auto written = ::write(descriptor, left.data(), left.size());
    if (written < 0) return errno == EAGAIN || errno == EINTR;
    echo.sent(static_cast<std::size_t>(written));
    return true;
  }
};

class hand_loop {
public:
  hand_loop(std::unique_ptr<net::listener> listener, triggering how, std::size_t threads)
      : listener_(std::move(listener)), how_(how), sets_(how == triggering::one_shot ? 1 : threads), threads_(threads) {
    for (auto& each : sets_) each = ::epoll_create1(EPOLL_CLOEXEC);
  }
  ~hand_loop() {
    for (const auto each : sets_) ::close(each);
  }
  hand_loop(const hand_loop&) = delete;
  hand_loop& operator=(const hand_loop&) = delete;

  int run() {
    if (!arm(EPOLL_CTL_ADD, sets_.front(), listening(), EPOLLIN, nullptr)) return 1;
    std::vector<std::jthread> others;
    for (std::size_t each = 1; each < threads_; ++each)
      others.emplace_back([this, each] { serve(sets_[each % sets_.size()]); });
    return serve(sets_.front());
  }

private:
  int listening() const noexcept { return static_cast<int>(listener_->handle()); }

  /// One thread's loop.
  int serve(int set) {
    std::vector<std::byte> chunk(chunk_bytes);
    epoll_event events[events_per_wait];
    for (;;) {
      const int count = ::epoll_wait(set, events, events_per_wait, -1);
      if (count < 0 && errno != EINTR) return 1;
      for (int each = 0; each < count; ++each) {
        if (auto* const ready = static_cast<connection*>(events[each].data.ptr))
          serve(*ready, chunk);
        else if (!accept() || (how_ == triggering::one_shot && !arm(EPOLL_CTL_MOD, set, listening(), EPOLLIN, nullptr)))
          return 1;
      }
    }
  }

  bool arm(int operation, int set, int descriptor, std::uint32_t interest, connection* owner) const {
    epoll_event wanted{};
    wanted.events = interest | (how_ == triggering::one_shot ? EPOLLONESHOT : 0u);
    wanted.data.ptr = owner;
    return ::epoll_ctl(set, operation, descriptor, &wanted) == 0;
  }

  bool accept() {
    for (;;) {
      auto accepted = listener_->accept();
      if (!accepted) return false;
      if (*accepted == nullptr) return true;
      auto* const made = new connection;
      made->descriptor = static_cast<int>((*accepted)->handle());
      made->transport = std::move(*accepted);
      made->epoll = sets_[accepted_++ % sets_.size()];
      made->interest.store(EPOLLIN, std::memory_order_release);
      if (!arm(EPOLL_CTL_ADD, made->epoll, made->descriptor, EPOLLIN, made)) delete made;
    }
  }

  void serve(connection& on, std::span<std::byte> scratch) const {
    const auto armed_for = on.interest.load(std::memory_order_acquire);
    const bool goes_on = (on.unsent() >= frame_echo::unsent_bytes_max || on.read(scratch)) && on.write();
    const std::uint32_t interest =
        (on.unsent() < frame_echo::unsent_bytes_max ? EPOLLIN : 0u) | (on.unsent() == 0 ? 0u : EPOLLOUT);
    const bool rearms = how_ == triggering::one_shot || interest != armed_for;
    on.interest.store(interest, std::memory_order_release);
    // At most one event a connection in a batch, and one thread that has it: nothing else can name it any more. Once armed,
    // another thread may serve it.
    if (!goes_on || (rearms && !arm(EPOLL_CTL_MOD, on.epoll, on.descriptor, interest, &on))) delete &on;
  }

  std::unique_ptr<net::listener> listener_;
  const triggering how_;
  std::vector<int> sets_;
  const std::size_t threads_;
  std::atomic<std::size_t> accepted_{0};
};

}  // namespace

int serve_by_hand(const net::endpoint& at, triggering how, std::size_t threads) {
  std::signal(SIGPIPE, SIG_IGN);
  auto listener = net::system_network().listen(at);
  if (!listener) {
    std::fprintf(stderr, "serve-by-hand: %s: %s\n", at.to_string().c_str(), listener.error().message().c_str());
    return 1;
  }
  std::printf("listening on %s\n", (*listener)->local().to_string().c_str());
  std::fflush(stdout);
  return hand_loop(std::move(*listener), how, threads).run();
}

}  // namespace switchboard::bench
