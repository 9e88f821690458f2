// multi-threaded-server [--port NAME]: sixteen threads drain one port, a hundred clients come, and one posted packet ends
// all threads in a chain (N44).
//
// Defects of the published sample that this avoids: as many threads are made as are counted, and clients start; the listener
// and its connections are one-shot and non-blocking throughout, so that one thread has each and none hangs in accept; every
// request's result is read, and one that failed leaves its connection with the thread that asked (N16); one operation a
// request (N7), so that a connection that hung up is removed, and no other mask strands one; a timeout loses no results; the
// first error is kept, and all are reported; a connection that ends early counts all the same, so that the hundred are reached;
// the exit packet is obeyed at the end of its batch, with the re-arms of that batch submitted; nothing is destroyed that was
// not made, and the listener is removed before it is closed.

#include "word_client.hpp"

#include <array>
#include <atomic>
#include <cstdio>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace switchboard::scenarios {
namespace {

using notify::event;
using notify::interest;
using notify::operation;

constexpr std::size_t threads = 16;
constexpr std::size_t clients = 100;
constexpr std::size_t packets_per_wait = 8;
/// Keys of other packets; a connection's key is its address.
constexpr std::uint64_t exit_key = 0;
constexpr std::uint64_t listener_key = 1;

/// Belongs to the thread that holds its packet, and to the port while no thread does.
struct connection {
  std::unique_ptr<net::transport> transport;

  std::uint64_t key() const noexcept { return reinterpret_cast<std::uintptr_t>(this); }
  static connection* of(std::uint64_t key) noexcept { return reinterpret_cast<connection*>(key); }
};

class multi_threaded_server {
public:
  multi_threaded_server(const notify::port_backend& backend, clock::time_point deadline)
      : port_(take(backend.make(), "the port")), deadline_(deadline) {
    check(port_->apply(listening()), "registering the listener");
  }

  const net::endpoint& address() const { return listener_->local(); }

  void run() {
    std::vector<std::jthread> drainers;
    for (std::size_t each = 0; each < threads; ++each) drainers.emplace_back([this] { drain(); });
    for (auto& each : drainers) each.join();
    remove_and_wait(*port_, listener_->handle(), listener_key, deadline_, [](const notify::packet& packet) {
      // The exit packet that the last thread passed on.
      if (packet.key > listener_key) throw failure("a connection outlived the threads");
    });
    std::printf("%zu threads, %zu bytes, %zu connections removed; one exit packet, and all threads joined\n", threads,
                received_.load(), removed_.load());
    for (const auto& each : faults_) std::fprintf(stderr, "%s\n", each.c_str());
    if (!faults_.empty()) throw failure(faults_.front());
    if (removed_ != clients || received_ != clients * bytes_of_a_client) throw failure("not what the clients sent");
  }

private:
  using request_list = std::vector<notify::request>;

  notify::request listening() const {
    return {.socket = listener_->handle(), .key = listener_key, .filter = interest::in, .op = operation::enable};
  }
  static notify::request about(const connection& on, operation op) {
    return {.socket = on.transport->handle(), .key = on.key(), .filter = interest::in | interest::hangup, .op = op};
  }

  /// What each thread runs. Re-arms are submitted with the next wait.
  void drain() noexcept {
    request_list requests;
    std::array<notify::packet, packets_per_wait> packets;
    bool over = false;
    try {
      while (!over) {
        const auto count = take(port_->process(requests, packets, left_until(deadline_)), "process");
        check_results(requests);
        for (const auto& each : std::span(packets).first(count)) {
          if (each.key == exit_key)
            over = true;
          else
            serve(each, requests);
        }
      }
      // Submits the requests of this batch, without room for packets, so that no other batch begins.
      static_cast<void>(take(port_->process(requests, {}, clock::duration::zero()), "process"));
      check_results(requests);
    } catch (const std::exception& error) {
      note(error.what());
    }
    port_->release();
    // The next thread's turn to end. Without memory for the packet the others wait for their deadline.
    if (const auto failed = port_->post(exit_key, 0)) note("post: " + failed.message());
  }

  /// Reads every result, and forgets the requests.
  void check_results(request_list& requests) {
    for (const auto& each : requests) {
      if (!each.result) continue;
      note("request: " + each.result.message());
      // Still this thread's (N16): no other thread will get a packet of it.
      if (each.key != listener_key) destroy(connection::of(each.key));
    }
    requests.clear();
  }

  void serve(const notify::packet& packet, request_list& requests) {
    if (packet.key == listener_key) {
      accept_all(requests);
      requests.push_back(listening());
    } else if (auto* const on = connection::of(packet.key); has(packet.events(), event::remove)) {
      destroy(on);
    } else {
      requests.push_back(about(*on, read(*on) ? operation::enable : operation::remove));
    }
  }

  void accept_all(request_list& requests) {
    for (;;) {
      auto accepted = take(listener_->accept(), "accept");
      if (!accepted) return;
      requests.push_back(about(*new connection{std::move(accepted)}, operation::enable));
    }
  }

  /// Reads what is there; false at the end.
  bool read(const connection& on) {
    std::array<std::byte, 512> chunk;
    for (;;) {
      const auto got = on.transport->read(chunk);
      if (got.outcome == net::io_outcome::would_block) return true;
      if (got.outcome == net::io_outcome::failed) note("read: " + got.error.message());
      if (got.outcome != net::io_outcome::done) return false;
      received_ += got.bytes;
    }
  }

  void destroy(connection* on) {
    delete on;
    if (++removed_ == clients) check(port_->post(exit_key, 0), "post");
  }

  void note(const std::string& fault) noexcept {
    const std::scoped_lock hold(lock_);
    faults_.push_back(fault);
  }

  const std::unique_ptr<notify::notification_port> port_;
  const std::unique_ptr<net::listener> listener_ = listen_on_loopback();
  const clock::time_point deadline_;
  std::atomic<std::size_t> received_ = 0;
  std::atomic<std::size_t> removed_ = 0;
  std::mutex lock_;
  std::vector<std::string> faults_;
};

void run_scenario(const notify::port_backend& backend) {
  const auto deadline = clock::now() + patience;
  multi_threaded_server server{backend, deadline};
  std::deque<word_client> coming;
  for (std::size_t each = 0; each < clients; ++each) coming.emplace_back(backend, server.address(), deadline);
  server.run();
  for (auto& each : coming) each.join();
}

}  // namespace
}  // namespace switchboard::scenarios

int main(int argc, char** argv) {
  return switchboard::scenarios::run(argc, argv, switchboard::scenarios::run_scenario);
}
