#pragma once

/// Real sockets for the tests of this folder.

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>

#include <switchboard/net/network.hpp>

namespace switchboard::net {

inline constexpr int patience_ms = 10'000;

inline int number_of(socket_handle socket) {
  return static_cast<int>(socket);
}

/// Waits for `events`; false when patience ends first.
inline bool await(socket_handle socket, short events) {
  pollfd state{.fd = number_of(socket), .events = events, .revents = 0};
  return ::poll(&state, 1, patience_ms) == 1;
}

inline std::unique_ptr<listener> listen_at(const endpoint& at) {
  auto made = system_network().listen(at);
  EXPECT_TRUE(made) << at.to_string() << ": " << made.error().message();
  return made ? std::move(*made) : nullptr;
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

/// The process may have no descriptor at or above `first` while this lives.
class descriptors_end_at {
public:
  explicit descriptors_end_at(int first) {
    getrlimit(RLIMIT_NOFILE, &before_);
    rlimit fewer = before_;
    fewer.rlim_cur = static_cast<rlim_t>(first);
    setrlimit(RLIMIT_NOFILE, &fewer);
  }
  ~descriptors_end_at() { setrlimit(RLIMIT_NOFILE, &before_); }

private:
  rlimit before_{};
};

int lowest_free_descriptor();
std::size_t open_descriptors();

}  // namespace switchboard::net
