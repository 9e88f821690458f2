#include "port_loop.hpp"

#include "frame_echo.hpp"

#include <atomic>
#include <csignal>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include <switchboard/net/network.hpp>
#include <switchboard/notify/port_backend.hpp>

namespace switchboard::bench {
namespace {

using notify::event;
using notify::interest;
using notify::notification_port;
using notify::operation;
using notify::packet;
using std::chrono::steady_clock;

constexpr std::size_t chunk_bytes = 64 * 1024;
constexpr std::size_t packets_per_wait = 128;
/// Keys of other packets; a connection's key is its address.
constexpr std::uint64_t listener_key = 1;
constexpr std::uint64_t accepted_key = 2;

void check(std::error_code failure, const char* what) {
  if (failure) throw std::runtime_error(std::string(what) + ": " + failure.message());
}

/// Takes the processor for a while, as a handler with something to do would.
void work_for(std::chrono::microseconds time) {
  if (time.count() == 0) return;
  for (const auto until = steady_clock::now() + time; steady_clock::now() < until;) {
  }
}

struct connection {
  std::unique_ptr<net::transport> transport;
  frame_echo echo;

  std::uint64_t key() const noexcept { return reinterpret_cast<std::uintptr_t>(this); }
  static connection& of(std::uint64_t key) noexcept { return *reinterpret_cast<connection*>(key); }
};

class port_loop {
public:
  port_loop(const net::endpoint& at, const port_loop_options& options) : options_(options) {
    const auto* const backend = notify::port_backend::find(options.backend);
    if (backend == nullptr) throw std::runtime_error("no such port: " + options.backend);
    for (std::size_t each = 0; each < (options.port_a_thread ? options.threads : 1); ++each) {
      auto port = backend->make();
      if (!port) throw std::runtime_error(options.backend + ": " + port.error().message());
      ports_.push_back(std::move(*port));
    }
    auto listener = net::system_network().listen(at);
    if (!listener) throw std::runtime_error(at.to_string() + ": " + listener.error().message());
    listener_ = std::move(*listener);
    if (options_.how == accepting::asynchronously) {
      check(ports_.front()->apply({.socket = listener_->handle(), .key = listener_key, .op = operation::enable}),
            "listener");
      for (std::size_t each = 0; each < options_.accepts_under_way; ++each) accept_another();
    } else {
      check(ports_.front()->apply(listening()), "listener");
    }
  }

  const net::endpoint& local() const noexcept { return listener_->local(); }

  void run() {
    std::vector<std::thread> threads;
    for (std::size_t each = 1; each < options_.threads; ++each)
      threads.emplace_back([this, each] { serve(*ports_[each % ports_.size()]); });
    serve(*ports_.front());
    for (auto& each : threads) each.join();
  }

private:
  /// Requests that go out with the thread's next wait, and the buffer it reads into.
  struct desk {
    std::vector<notify::request> requests;
    std::vector<std::byte> chunk = std::vector<std::byte>(chunk_bytes);
  };

  notify::request listening() const {
    return {.socket = listener_->handle(), .key = listener_key, .filter = interest::in, .op = operation::enable};
  }
  static notify::request arming(const connection& on) {
    const auto unsent = on.echo.unsent().size();
    return {.socket = on.transport->handle(),
            .key = on.key(),
            .filter = interest::hangup | (unsent < frame_echo::unsent_bytes_max ? interest::in : interest::none) |
                      (unsent == 0 ? interest::none : interest::out),
            .op = operation::enable};
  }

  void serve(notification_port& port) {
    desk at;
    packet packets[packets_per_wait];
    for (;;) {
      const auto count = port.process(at.requests, packets, notification_port::infinite);
      if (!count) throw std::runtime_error("process: " + count.error().message());
      for (const auto& each : at.requests) check(each.result, "request");
      at.requests.clear();
      for (const auto& each : std::span(packets, *count)) take(each, at);
    }
  }

  void take(const packet& taken, desk& at) {
    if (taken.key == listener_key) {
      accept_ready();
      at.requests.push_back(listening());
    } else if (taken.key == accepted_key) {
      if (const auto accepted = taken.accepted())
        if (auto made = net::system_network().adopt(*accepted)) enter(std::move(*made));
      accept_another();
    } else if (auto& on = connection::of(taken.key); has(taken.events(), event::remove)) {
      delete &on;
    } else {
      at.requests.push_back(
          exchange(on, at.chunk)
              ? arming(on)
              : notify::request{.socket = on.transport->handle(), .key = on.key(), .op = operation::remove});
    }
  }

  void accept_ready() {
    do {
      auto accepted = listener_->accept();
      if (!accepted) throw std::runtime_error("accept: " + accepted.error().message());
      if (*accepted == nullptr) return;
      enter(std::move(*accepted));
    } while (options_.how == accepting::all_a_packet);
  }

  void accept_another() { check(ports_.front()->async_accept(listener_->handle(), accepted_key), "async_accept"); }

  void enter(std::unique_ptr<net::transport> made) {
    auto* const on = new connection{std::move(made), {}};
    auto& port = *ports_[entered_.fetch_add(1, std::memory_order_relaxed) % ports_.size()];
    check(port.apply(arming(*on)), "connection");
  }

  bool exchange(connection& on, std::span<std::byte> chunk) const {
    if (on.echo.unsent().size() < frame_echo::unsent_bytes_max) {
      const auto got = on.transport->read(chunk);
      if (got.outcome == net::io_outcome::done) {
        if (!on.echo.take(chunk.first(got.bytes), [this] { work_for(options_.work); })) return false;
      } else if (got.outcome != net::io_outcome::would_block) {
        return false;
      }
    }
    const auto unsent = on.echo.unsent();
    if (unsent.empty()) return true;
    const net::const_buffer piece{unsent.data(), unsent.size()};
    const auto put = on.transport->write({&piece, 1});
    if (put.outcome == net::io_outcome::done) on.echo.sent(put.bytes);
    return put.outcome == net::io_outcome::done || put.outcome == net::io_outcome::would_block;
  }

  const port_loop_options options_;
  std::vector<std::unique_ptr<notification_port>> ports_;
  std::unique_ptr<net::listener> listener_;
  std::atomic<std::size_t> entered_{0};
};

}  // namespace

int serve_on_ports(const net::endpoint& at, const port_loop_options& options) {
  std::signal(SIGPIPE, SIG_IGN);
  try {
    port_loop loop{at, options};
    std::printf("listening on %s\n", loop.local().to_string().c_str());
    std::fflush(stdout);
    loop.run();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "serve-port: %s\n", error.what());
    return 1;
  }
}

}  // namespace switchboard::bench
