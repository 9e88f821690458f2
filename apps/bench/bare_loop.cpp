#include "bare_loop.hpp"

#include "frame_echo.hpp"

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <memory>
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
  frame_echo echo;

  std::size_t unsent() const noexcept { return echo.unsent().size(); }
};

class bare_loop {
public:
  explicit bare_loop(std::unique_ptr<net::listener> listener)
      : listener_(std::move(listener)), epoll_(::epoll_create1(EPOLL_CLOEXEC)), chunk_(chunk_bytes) {}
  ~bare_loop() { ::close(epoll_); }
  bare_loop(const bare_loop&) = delete;
  bare_loop& operator=(const bare_loop&) = delete;

  int run() {
    const int listening = static_cast<int>(listener_->handle());
    if (!arm(EPOLL_CTL_ADD, listening, EPOLLIN, nullptr)) return 1;
    epoll_event events[events_per_wait];
    for (;;) {
      const int count = ::epoll_wait(epoll_, events, events_per_wait, -1);
      if (count < 0 && errno != EINTR) return 1;
      for (int each = 0; each < count; ++each) {
        if (auto* const ready = static_cast<connection*>(events[each].data.ptr))
          serve(*ready);
        else if (!accept() || !arm(EPOLL_CTL_MOD, listening, EPOLLIN, nullptr))
          return 1;
      }
    }
  }

private:
  bool arm(int operation, int descriptor, std::uint32_t interest, connection* owner) {
    epoll_event wanted{};
    wanted.events = interest | EPOLLONESHOT;
    wanted.data.ptr = owner;
    return ::epoll_ctl(epoll_, operation, descriptor, &wanted) == 0;
  }

  bool accept() {
    for (;;) {
      auto accepted = listener_->accept();
      if (!accepted) return false;
      if (*accepted == nullptr) return true;
      auto* const made = new connection;
      made->descriptor = static_cast<int>((*accepted)->handle());
      made->transport = std::move(*accepted);
      if (!arm(EPOLL_CTL_ADD, made->descriptor, EPOLLIN, made)) delete made;
    }
  }

  void serve(connection& on) {
    const bool goes_on = (on.unsent() >= frame_echo::unsent_bytes_max || read(on)) && write(on);
    const std::uint32_t interest =
        (on.unsent() < frame_echo::unsent_bytes_max ? EPOLLIN : 0u) | (on.unsent() == 0 ? 0u : EPOLLOUT);
    // One thread and at most one event a connection in a batch: nothing else can name it any more.
    if (!goes_on || !arm(EPOLL_CTL_MOD, on.descriptor, interest, &on)) delete &on;
  }

  bool read(connection& from) {
    const auto got = ::read(from.descriptor, chunk_.data(), chunk_.size());
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    return got != 0 && from.echo.take({chunk_.data(), static_cast<std::size_t>(got)});
  }

  static bool write(connection& to) {
    const auto unsent = to.echo.unsent();
    if (unsent.empty()) return true;
    const auto written = ::write(to.descriptor, unsent.data(), unsent.size());
    if (written < 0) return errno == EAGAIN || errno == EINTR;
    to.echo.sent(static_cast<std::size_t>(written));
    return true;
  }

  std::unique_ptr<net::listener> listener_;
  int epoll_;
  std::vector<std::byte> chunk_;
};

}  // namespace

int serve_bare(const net::endpoint& at) {
  std::signal(SIGPIPE, SIG_IGN);
  auto listener = net::system_network().listen(at);
  if (!listener) {
    std::fprintf(stderr, "serve-bare: %s: %s\n", at.to_string().c_str(), listener.error().message().c_str());
    return 1;
  }
  std::printf("listening on %s\n", (*listener)->local().to_string().c_str());
  std::fflush(stdout);
  return bare_loop(std::move(*listener)).run();
}

}  // namespace switchboard::bench
