#include "bare_loop.hpp"

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <sys/epoll.h>
#include <unistd.h>

#include <switchboard/net/network.hpp>
#include <switchboard/wire/frame_decoder.hpp>
#include <switchboard/wire/frame_encoder.hpp>

namespace switchboard::bench {
namespace {

constexpr std::size_t chunk_bytes = 64 * 1024;
constexpr int events_per_wait = 128;
/// Unsent answers above which a connection is not read.
constexpr std::size_t unsent_bytes_max = 1024 * 1024;
constexpr std::string_view method = "switchboard.echo.v1.Echo/Say";

struct connection {
  std::unique_ptr<net::transport> transport;
  int descriptor = -1;
  wire::frame_decoder decoder;
  std::string output;
  std::size_t sent = 0;  // of output; forgotten when all is, or too much

  std::size_t unsent() const noexcept { return output.size() - sent; }
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
    const bool goes_on = (on.unsent() >= unsent_bytes_max || read(on)) && write(on);
    const std::uint32_t interest = (on.unsent() < unsent_bytes_max ? EPOLLIN : 0u) | (on.unsent() == 0 ? 0u : EPOLLOUT);
    // One thread and at most one event a connection in a batch: nothing else can name it any more.
    if (!goes_on || !arm(EPOLL_CTL_MOD, on.descriptor, interest, &on)) delete &on;
  }

  bool read(connection& from) {
    const auto got = ::read(from.descriptor, chunk_.data(), chunk_.size());
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (got == 0) return false;
    from.decoder.feed({chunk_.data(), static_cast<std::size_t>(got)});
    wire::frame_view frame;
    for (;;) {
      switch (from.decoder.next(frame)) {
        case wire::frame_decoder::outcome::need_more:
          return true;
        case wire::frame_decoder::outcome::failed:
          return false;
        case wire::frame_decoder::outcome::frame:
          if (frame.method != method) return false;
          // SayRequest and SayReply have the same fields.
          wire::append_message(from.output, frame.call, frame.message, true);
      }
    }
  }

  static bool write(connection& to) {
    if (to.unsent() == 0) return true;
    const auto written = ::write(to.descriptor, to.output.data() + to.sent, to.unsent());
    if (written < 0) return errno == EAGAIN || errno == EINTR;
    to.sent += static_cast<std::size_t>(written);
    if (to.unsent() == 0 || to.sent >= unsent_bytes_max) {
      to.output.erase(0, to.sent);
      to.sent = 0;
    }
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
