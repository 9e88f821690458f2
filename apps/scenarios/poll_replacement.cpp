// poll-replacement [--port NAME]: a notification port where poll was: level-triggered and persistent, so that what is not
// dealt with is reported again, and nothing is ever re-armed.
//
// Defects of the published sample that this avoids: accepting waits in the same loop, so that a client that fails cannot
// block it for ever; a lull is no failure, only the deadline is; would-block is an answer (N36); at HANGUP the rest is read
// before leaving (N23), not just 512 bytes; ERR is explained by the socket, which may have nothing to say (N20); a packet
// with an unknown key is a failure instead of being taken for a socket's.

#include "word_client.hpp"

#include <array>
#include <cstdio>

namespace switchboard::scenarios {
namespace {

using notify::event;
using notify::interest;
using notify::trigger;

constexpr std::uint64_t listener_key = 1;
constexpr std::uint64_t connection_key = 2;
constexpr auto like_poll = trigger::level | trigger::persistent;

class poll_replacement {
public:
  explicit poll_replacement(const notify::port_backend& backend) : port_(take(backend.make(), "the port")) {
    check(port_->apply({.socket = listener_->handle(),
                        .key = listener_key,
                        .filter = interest::in,
                        .op = notify::operation::enable,
                        .how = like_poll}),
          "registering the listener");
  }

  const net::endpoint& address() const { return listener_->local(); }

  void run(clock::time_point deadline) {
    while (!over_) {
      std::array<notify::packet, 8> packets;
      const auto count = take(port_->wait(packets, left_until(deadline)), "wait");
      for (const auto& each : std::span(packets).first(count)) serve(each);
    }
    const auto late = [this](const notify::packet& packet) { serve(packet); };
    remove_and_wait(*port_, connection_->handle(), connection_key, deadline, late);
    connection_.reset();
    remove_and_wait(*port_, listener_->handle(), listener_key, deadline, late);
    std::printf("%zu bytes in %d packets, then a hangup; removed and closed\n", received_, packets_);
    if (received_ != bytes_of_a_client) throw failure("not what the client sent");
  }

private:
  void serve(const notify::packet& packet) {
    if (packet.key == listener_key) return accept();
    if (packet.key != connection_key) throw failure("a packet with the key " + std::to_string(packet.key));
    std::printf("%s\n", to_string(packet.events()).c_str());
    ++packets_;
    if (has(packet.events(), event::err)) check(connection_->pending_error(), "the connection");
    const bool ended = read();
    over_ |= ended || has(packet.events(), event::hangup);
  }

  void accept() {
    auto accepted = take(listener_->accept(), "accept");
    // The client is gone, or this is a second one: this scenario has one.
    if (!accepted || connection_) return;
    connection_ = std::move(accepted);
    check(port_->apply({.socket = connection_->handle(),
                        .key = connection_key,
                        .filter = interest::in | interest::hangup,
                        .op = notify::operation::enable,
                        .how = like_poll}),
          "registering the connection");
  }

  /// Reads until there is nothing more; whether that is for good.
  bool read() {
    std::array<std::byte, 512> chunk;
    for (;;) {
      const auto got = connection_->read(chunk);
      if (got.outcome == net::io_outcome::failed) throw failure("read", got.error);
      if (got.outcome != net::io_outcome::done) return got.outcome == net::io_outcome::end_of_stream;
      received_ += got.bytes;
    }
  }

  // The port goes last: what is registered must not outlive it.
  std::unique_ptr<notify::notification_port> port_;
  std::unique_ptr<net::listener> listener_ = listen_on_loopback();
  std::unique_ptr<net::transport> connection_;
  std::size_t received_ = 0;
  int packets_ = 0;
  bool over_ = false;
};

void run_scenario(const notify::port_backend& backend) {
  const auto deadline = clock::now() + patience;
  poll_replacement server{backend};
  word_client client{backend, server.address(), deadline};
  server.run(deadline);
  client.join();
}

}  // namespace
}  // namespace switchboard::scenarios

int main(int argc, char** argv) {
  return switchboard::scenarios::run(argc, argv, switchboard::scenarios::run_scenario);
}
