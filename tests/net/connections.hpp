#pragma once

/// Real sockets for the tests of this folder.

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include <gtest/gtest.h>

#include <switchboard/net/network.hpp>
#include <switchboard/net/socket_headers.hpp>
#ifndef _WIN32
#include <poll.h>
#endif

namespace switchboard::net {

/// Whether the system is Wine, which lacks some of what Windows has.
inline bool is_wine() {
#ifdef _WIN32
  return ::GetProcAddress(::GetModuleHandleW(L"ntdll.dll"), "wine_get_version") != nullptr;
#else
  return false;
#endif
}

inline constexpr int patience_ms = 10'000;

inline socket_number number_of(socket_handle socket) {
  return static_cast<socket_number>(socket);
}

/// Waits for `events`; false when patience ends first.
inline bool await(socket_handle socket, short events) {
  pollfd state{.fd = number_of(socket), .events = events, .revents = 0};
#ifdef _WIN32
  return ::WSAPoll(&state, 1, patience_ms) == 1;
#else
  return ::poll(&state, 1, patience_ms) == 1;
#endif
}

inline std::unique_ptr<listener> listen_at(const endpoint& at) {
  auto made = system_network().listen(at);
  EXPECT_TRUE(made) << at.to_string() << ": " << made.error().message();
  return made ? std::move(*made) : nullptr;
}

/// Asks until the answer is a yes, without waiting at the socket: a Windows that is Wine forgets why a connection was reset
/// once it has been polled.
template <class Ask>
bool becomes_true(Ask&& ask) {
  for (const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(patience_ms);
       std::chrono::steady_clock::now() < until;) {
    if (ask()) return true;
    std::this_thread::yield();
  }
  return false;
}

inline endpoint any_port() {
  return endpoint::tcp("127.0.0.1", 0);
}

inline std::unique_ptr<transport> connect_to(const endpoint& to) {
  auto made = system_network().connect(to);
  EXPECT_TRUE(made) << to.to_string() << ": " << made.error().message();
  return made ? std::move(*made) : nullptr;
}

inline std::unique_ptr<transport> accept_from(listener& from) {
  EXPECT_TRUE(await(from.handle(), POLLIN));
  auto taken = from.accept();
  EXPECT_TRUE(taken) << taken.error().message();
  return taken ? std::move(*taken) : nullptr;
}

struct connection {
  std::unique_ptr<transport> client;
  std::unique_ptr<transport> server;
};

inline connection make_connection(listener& through) {
  auto client = connect_to(through.local());
  auto server = accept_from(through);
  EXPECT_TRUE(await(client->handle(), POLLOUT));
  EXPECT_FALSE(client->pending_error());
  return {std::move(client), std::move(server)};
}

inline connection make_connection() {
  const auto through = listen_at(any_port());
  return make_connection(*through);
}

inline const_buffer piece(std::string_view text) {
  return {text.data(), text.size()};
}

inline io_result write(transport& to, std::string_view text) {
  const auto one = piece(text);
  return to.write({&one, 1});
}

/// What comes until `size` bytes are there, or the stream ends.
inline std::string read_exactly(transport& from, std::size_t size) {
  std::string all;
  std::array<std::byte, 4096> chunk;
  while (all.size() < size && await(from.handle(), POLLIN)) {
    const auto got = from.read(std::span(chunk).first(std::min(chunk.size(), size - all.size())));
    if (got.outcome == io_outcome::would_block) continue;
    if (got.outcome != io_outcome::done) break;
    all.append(reinterpret_cast<const char*>(chunk.data()), got.bytes);
  }
  return all;
}

inline io_result read_one(transport& from) {
  std::byte byte;
  return from.read({&byte, 1});
}

}  // namespace switchboard::net
