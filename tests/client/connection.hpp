#pragma once

/// Both ends of one real connection over loopback. The server's end is a channel too, which a test plays by hand:
/// sockets keep what one side sends until the other reads, so most tests need one thread only.

#include <chrono>
#include <memory>

#include <gtest/gtest.h>

#include <switchboard/client/channel.hpp>
#include <switchboard/net/network.hpp>
#include <switchboard/notify/epoll_port.hpp>
#include <switchboard/testkit/frame_channel.hpp>
#include <switchboard/v1/frame.pb.h>

namespace switchboard::client {

using namespace std::chrono_literals;
using testkit::frame_channel;
using testkit::frame_channel_options;

/// How long anything may take before a test fails; nothing takes that long unless it is broken.
inline deadline patience() {
  return within(10s);
}

inline std::unique_ptr<net::listener> listen_on_loopback() {
  auto listener = net::system_network().listen(net::endpoint::tcp("127.0.0.1", 0));
  if (!listener) throw std::system_error(listener.error(), "listen");
  return std::move(*listener);
}

/// The next connection at `listener`, which has been or is being made.
inline frame_channel accept_from(net::listener& listener, frame_channel_options options = {}) {
  auto port = notify::make_epoll_port();
  if (!port) throw std::system_error(port.error(), "port");
  for (const auto until = patience(); clock::now() < until;) {
    auto accepted = listener.accept();
    if (!accepted) throw std::system_error(accepted.error(), "accept");
    if (*accepted) {
      auto channel = frame_channel::adopt(std::move(*accepted), options);
      if (!channel) throw std::system_error(channel.error(), "adopt");
      return std::move(*channel);
    }
    notify::request arm{.socket = listener.handle(), .filter = notify::interest::in, .op = notify::operation::enable};
    notify::packet packet;
    (void)(*port)->process({&arm, 1}, {&packet, 1}, 100ms);
  }
  throw std::system_error(make_error_code(errc::timed_out), "accept");
}

/// A channel that is connected there.
inline channel channel_to(const net::listener& listener, channel_options options = {}) {
  auto connected = channel::connect(listener.local(), patience(), std::move(options));
  if (!connected) throw std::runtime_error(connected.status().message);
  return std::move(*connected);
}

inline frame_channel connect_to(const net::listener& listener, frame_channel_options options = {}) {
  auto channel = frame_channel::connect(listener.local(), patience(), options);
  if (!channel) throw std::system_error(channel.error(), "connect");
  return std::move(*channel);
}

/// The next frame that comes; an empty one, and a failure, where none does.
inline v1::Frame take_frame(frame_channel& from) {
  v1::Frame frame;
  const auto error = from.receive(frame, patience());
  EXPECT_EQ(error, std::error_code()) << error.message();
  return frame;
}

}  // namespace switchboard::client
