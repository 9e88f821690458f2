#include "word_client.hpp"

#include <array>
#include <cstdio>

namespace switchboard::scenarios {
namespace {

using notify::event;
using notify::interest;

void send_words(const notify::port_backend& backend, const net::endpoint& server, clock::time_point deadline) {
  const auto port = take(backend.make(), "the client's port");
  const auto connection = take(net::system_network().connect(server), "connect");
  const auto await_writable = [&] {
    check(port->apply({.socket = connection->handle(), .filter = interest::out, .op = notify::operation::enable}),
          "arm");
    notify::packet ready;
    while (take(port->wait({&ready, 1}, left_until(deadline)), "the client's wait") == 0) continue;
    if (has(ready.events(), event::err)) check(connection->pending_error(), "the client's connection");
  };
  // It is writable once it is made (N25).
  await_writable();
  check(connection->pending_error(), "connect");
  for (std::size_t word = 0; word < words; ++word) {
    std::array<char, 5> text{};
    std::snprintf(text.data(), text.size(), "%04u", static_cast<unsigned>(word));
    for (std::size_t sent = 0; sent < 4;) {
      const net::const_buffer piece{text.data() + sent, 4 - sent};
      const auto put = connection->write({&piece, 1});
      if (put.outcome == net::io_outcome::failed) throw failure("write", put.error);
      if (put.outcome == net::io_outcome::would_block)
        await_writable();
      else
        sent += put.bytes;
    }
  }
  remove_and_wait(*port, connection->handle(), 0, deadline, [](const notify::packet&) {});
}

}  // namespace

word_client::word_client(const notify::port_backend& backend, net::endpoint server, clock::time_point deadline)
    : thread_([this, &backend, server = std::move(server), deadline] {
        try {
          send_words(backend, server, deadline);
        } catch (...) {
          met_ = std::current_exception();
        }
      }) {}

void word_client::join() {
  thread_.join();
  if (met_) std::rethrow_exception(met_);
}

}  // namespace switchboard::scenarios
