// edge-triggered-udp [--port NAME]: datagrams with edges: the socket is registered before it is bound, and drained to
// would-block after that and after each packet, since an edge reports only a change (N29, N30).
//
// Defects of the published sample that this avoids: the client really sends datagrams; sockets are non-blocking from the
// start; an error that an earlier datagram met, and one that was cut off, end nothing; what is lost is sent again until the
// deadline; events are looked up by key, and stand nowhere else (N43).

#include "scenario.hpp"

#include <array>
#include <cstdio>
#include <exception>
#include <optional>
#include <set>
#include <thread>

namespace switchboard::scenarios {
namespace {

using notify::event;
using notify::interest;
using notify::trigger;

constexpr unsigned char datagrams = 10;
constexpr std::uint64_t socket_key = 1;
constexpr std::uint64_t enough_key = 2;
/// What is not acknowledged by then is sent again.
constexpr std::chrono::milliseconds resend_after{100};

std::unique_ptr<net::datagram_socket> open_socket() {
  return take(net::system_network().open_datagrams(net::endpoint::tcp("127.0.0.1", 0)), "opening a socket");
}

/// One byte, which numbers it; nothing where none waits.
std::optional<unsigned char> receive(net::datagram_socket& at, net::endpoint& from) {
  for (;;) {
    std::array<std::byte, 64> bytes;
    const auto got = at.receive(bytes, from);
    if (got.outcome == net::io_outcome::would_block) return std::nullopt;
    if (got.outcome == net::io_outcome::done && got.bytes == 1) return static_cast<unsigned char>(bytes[0]);
    // Another sender's, or an error that a datagram of ours met: the next one may be the reply.
    std::printf("passed over: %s\n",
                got.outcome == net::io_outcome::failed ? got.error.message().c_str() : "no number");
  }
}

void send(net::datagram_socket& from, unsigned char number, const net::endpoint& to) {
  const auto byte = static_cast<std::byte>(number);
  // A datagram that cannot be sent counts as lost.
  static_cast<void>(from.send({&byte, 1}, to));
}

/// Sends all, and again what is not acknowledged.
void send_all(const notify::port_backend& backend, const net::endpoint& server, clock::time_point deadline) {
  const auto port = take(backend.make(), "the client's port");
  const auto socket = open_socket();
  check(socket->bind(net::endpoint::tcp("127.0.0.1", 0)), "bind");
  std::set<unsigned char> missing;
  for (unsigned char number = 0; number < datagrams; ++number) missing.insert(number);
  while (!missing.empty()) {
    for (const auto number : missing) send(*socket, number, server);
    const auto again_at = std::min(clock::now() + resend_after, deadline);
    while (!missing.empty() && clock::now() < again_at) {
      check(port->apply({.socket = socket->handle(), .filter = interest::in, .op = notify::operation::enable}), "arm");
      notify::packet ready;
      static_cast<void>(take(port->wait({&ready, 1}, again_at - clock::now()), "the client's wait"));
      net::endpoint from;
      while (const auto number = receive(*socket, from)) missing.erase(*number);
    }
    static_cast<void>(left_until(deadline));
  }
  remove_and_wait(*port, socket->handle(), 0, deadline, [](const notify::packet&) {});
}

void run_scenario(const notify::port_backend& backend) {
  const auto deadline = clock::now() + patience;
  const auto port = take(backend.make(), "the port");
  const auto socket = open_socket();
  check(port->apply({.socket = socket->handle(),
                     .key = socket_key,
                     .filter = interest::in | interest::hangup,
                     .op = notify::operation::enable,
                     .how = trigger::edge | trigger::persistent}),
        "registering");
  check(socket->bind(net::endpoint::tcp("127.0.0.1", 0)), "bind");

  std::set<unsigned char> received;
  const auto drain = [&] {
    net::endpoint from;
    while (const auto number = receive(*socket, from)) {
      received.insert(*number);
      send(*socket, *number, from);
    }
  };
  drain();

  std::exception_ptr met;
  std::jthread client([&, server = take(socket->local(), "local")] {
    try {
      send_all(backend, server, deadline);
    } catch (...) {
      met = std::current_exception();
    }
    static_cast<void>(port->post(enough_key, 0));
  });

  int packets = 0;
  const auto serve = [&](const notify::packet& packet) {
    if (packet.key == enough_key) return true;
    if (packet.key != socket_key) throw failure("a packet with the key " + std::to_string(packet.key));
    if (has(packet.events(), event::hangup)) throw failure("a datagram socket hung up");
    ++packets;
    drain();
    return false;
  };
  for (bool enough = false; !enough;) {
    std::array<notify::packet, 8> batch;
    const auto count = take(port->wait(batch, left_until(deadline)), "wait");
    for (const auto& each : std::span(batch).first(count)) enough |= serve(each);
  }
  client.join();
  if (met) std::rethrow_exception(met);
  remove_and_wait(*port, socket->handle(), socket_key, deadline, serve);
  std::printf("%zu datagrams in %d packets, no hangup; removed and closed\n", received.size(), packets);
  if (received.size() != datagrams) throw failure("not what the client sent");
}

}  // namespace
}  // namespace switchboard::scenarios

int main(int argc, char** argv) {
  return switchboard::scenarios::run(argc, argv, switchboard::scenarios::run_scenario);
}
