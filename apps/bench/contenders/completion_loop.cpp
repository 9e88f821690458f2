#include "completion_loop.hpp"

#include "frame_echo.hpp"

#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <liburing.h>

#include <switchboard/net/network.hpp>

namespace switchboard::bench {
namespace {

constexpr unsigned requests_max = 4096;
constexpr unsigned completions_per_wait = 128;

/// One operation of a connection is outstanding at a time: a receive, or the sending of what was received.
struct connection {
  explicit connection(std::unique_ptr<net::transport> made, std::size_t room)
      : transport(std::move(made)), buffer(new std::byte[room]) {}

  std::unique_ptr<net::transport> transport;
  std::unique_ptr<std::byte[]> buffer;
  frame_echo echo;
  bool sending = false;

  int descriptor() const noexcept { return static_cast<int>(transport->handle()); }
};

class completion_loop {
public:
  completion_loop(const net::endpoint& at, std::size_t buffer) : buffer_bytes_(buffer) {
    if (const int failure = io_uring_queue_init(requests_max, &ring_, 0); failure != 0)
      throw std::runtime_error(std::string("io_uring: ") + std::strerror(-failure));
    auto listener = net::system_network().listen(at);
    if (!listener) throw std::runtime_error(at.to_string() + ": " + listener.error().message());
    listener_ = std::move(*listener);
  }
  ~completion_loop() { io_uring_queue_exit(&ring_); }
  completion_loop(const completion_loop&) = delete;
  completion_loop& operator=(const completion_loop&) = delete;

  const net::endpoint& local() const noexcept { return listener_->local(); }

  void run() {
    accept();
    for (;;) {
      if (const int failed = io_uring_submit_and_wait(&ring_, 1); failed < 0 && failed != -EINTR)
        throw std::runtime_error(std::string("io_uring_enter: ") + std::strerror(-failed));
      io_uring_cqe* completions[completions_per_wait];
      const unsigned count = io_uring_peek_batch_cqe(&ring_, completions, completions_per_wait);
      for (unsigned each = 0; each < count; ++each) {
        if (auto* const on = static_cast<connection*>(io_uring_cqe_get_data(completions[each])))
          take(*on, completions[each]->res);
        else
          enter(completions[each]->res);
      }
      io_uring_cq_advance(&ring_, count);
    }
  }

private:
  io_uring_sqe* next() {
    auto* request = io_uring_get_sqe(&ring_);
    if (request == nullptr) {
      io_uring_submit(&ring_);
      request = io_uring_get_sqe(&ring_);
    }
    if (request == nullptr) throw std::runtime_error("io_uring takes no request");
    return request;
  }

  void accept() {
    auto* const request = next();
    io_uring_prep_accept(request, static_cast<int>(listener_->handle()), nullptr, nullptr, SOCK_CLOEXEC);
    io_uring_sqe_set_data(request, nullptr);
  }

  void enter(int accepted) {
    if (accepted < 0) throw std::runtime_error(std::string("accept: ") + std::strerror(-accepted));
    if (auto made = net::system_network().adopt(static_cast<net::socket_handle>(accepted)))
      receive(*new connection(std::move(*made), buffer_bytes_));
    accept();
  }

  void receive(connection& on) {
    on.sending = false;
    auto* const request = next();
    io_uring_prep_recv(request, on.descriptor(), on.buffer.get(), buffer_bytes_, 0);
    io_uring_sqe_set_data(request, &on);
  }

  void send(connection& on) {
    on.sending = true;
    const auto unsent = on.echo.unsent();
    auto* const request = next();
    io_uring_prep_send(request, on.descriptor(), unsent.data(), unsent.size(), 0);
    io_uring_sqe_set_data(request, &on);
  }

  void take(connection& on, int result) {
    const bool goes_on =
        result > 0 && (on.sending || on.echo.take({on.buffer.get(), static_cast<std::size_t>(result)}));
    if (!goes_on) {
      delete &on;
      return;
    }
    if (on.sending) on.echo.sent(static_cast<std::size_t>(result));
    if (on.echo.unsent().empty())
      receive(on);
    else
      send(on);
  }

  io_uring ring_{};
  const std::size_t buffer_bytes_;
  std::unique_ptr<net::listener> listener_;
};

}  // namespace

int serve_by_completions(const net::endpoint& at, std::size_t buffer) {
  std::signal(SIGPIPE, SIG_IGN);
  try {
    completion_loop loop{at, buffer};
    std::printf("listening on %s\n", loop.local().to_string().c_str());
    std::fflush(stdout);
    loop.run();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "serve-completions: %s\n", error.what());
    return 1;
  }
}

}  // namespace switchboard::bench
