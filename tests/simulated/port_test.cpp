/// What a simulated port has beyond the contract, which tests/notify tests: rough weather within the rules.

#include <array>
#include <optional>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include <switchboard/simulated/world.hpp>

namespace switchboard::simulated {
namespace {

using namespace std::chrono_literals;
using notify::event;
using notify::interest;
using notify::notification_port;
using notify::operation;
using notify::packet;
using notify::request;

std::optional<packet> next(notification_port& from, notification_port::duration timeout = 1h) {
  std::array<packet, 1> out;
  const auto count = from.wait(out, timeout);
  if (!count || *count == 0) return std::nullopt;
  return out[0];
}

request arm(net::socket_handle socket, std::uint64_t key, interest filter) {
  return {.socket = socket, .key = key, .filter = filter, .op = operation::enable};
}

class SimulatedPort : public testing::Test {
protected:
  simulated::world world;
  const std::unique_ptr<notification_port> port = world.make_port();
  std::unique_ptr<net::listener> listener = world.network().listen(net::endpoint::tcp("server", 80)).value();
  std::unique_ptr<net::transport> near = world.network().connect(listener->local()).value();
  std::unique_ptr<net::transport> far = listener->accept().value();
};

TEST_F(SimulatedPort, WaitMovesTheClockToItsDeadlineAndNoFurther) {
  const auto start = port->now();
  EXPECT_FALSE(next(*port, 3h));
  EXPECT_EQ(port->now() - start, 3h);
  EXPECT_EQ(world.now(), port->now());
}

TEST_F(SimulatedPort, WaitMovesTheClockToWhatComesFirst) {
  world.change({.latency = 50ms});
  ASSERT_FALSE(port->apply(arm(near->handle(), 1, interest::in)));
  const net::const_buffer piece{"x", 1};
  ASSERT_EQ(far->write({&piece, 1}).bytes, 1u);
  const auto start = port->now();
  EXPECT_TRUE(next(*port));
  EXPECT_LE(port->now() - start, 50ms);
}

TEST_F(SimulatedPort, SpuriousPacketsNameNothingThatWasNotAskedForButErr) {
  world.change({.spurious = 1000});
  std::set<event> seen;
  for (int n = 0; n < 50; ++n) {
    ASSERT_FALSE(port->apply(arm(near->handle(), 1, interest::in)));
    seen.insert(next(*port).value().events());
  }
  EXPECT_EQ(seen, (std::set{event::in, event::err}));
}

TEST_F(SimulatedPort, LatePacketsComeInTheEnd) {
  world.change({.late_packet = 1000, .delay = 30ms});
  ASSERT_FALSE(port->apply(arm(near->handle(), 1, interest::out)));
  EXPECT_FALSE(next(*port, 0s));
  EXPECT_TRUE(next(*port, 30ms));
}

TEST_F(SimulatedPort, LateRemovalComesInTheEndAndTheSocketIsNotFreeBefore) {
  world.change({.late_removal = 1000, .delay = 30ms});
  ASSERT_FALSE(port->apply(arm(near->handle(), 1, interest::in)));
  ASSERT_FALSE(port->apply({.socket = near->handle(), .op = operation::remove}));
  EXPECT_FALSE(next(*port, 0s));
  EXPECT_EQ(port->apply(arm(near->handle(), 1, interest::in)), errc::removing);
  EXPECT_EQ(next(*port, 30ms).value().events(), event::remove);
  EXPECT_EQ(world.registrations(), 0u);
}

TEST_F(SimulatedPort, SocketClosedWithoutRemoveMayLeaveAPacketBehind) {
  world.change({.stale_packet = 1000});
  ASSERT_FALSE(port->apply(arm(near->handle(), 7, interest::out)));
  near.reset();
  EXPECT_EQ(next(*port).value().key, 7u);
}

TEST_F(SimulatedPort, FailuresAreTransient) {
  world.change({.request_failure = 1000});
  EXPECT_EQ(port->apply(arm(near->handle(), 1, interest::out)), std::errc::not_enough_memory);
  EXPECT_EQ(port->apply(arm(near->handle(), 1, interest::out)), std::errc::not_enough_memory);
  EXPECT_FALSE(port->apply(arm(near->handle(), 1, interest::out)));
  world.change({.call_failure = 1000});
  std::array<packet, 1> out;
  EXPECT_EQ(port->wait(out, 0s).error(), std::errc::not_enough_memory);
  EXPECT_EQ(port->wait(out, 0s).error(), std::errc::not_enough_memory);
  EXPECT_EQ(port->wait(out, 0s).value(), 1u);
}

TEST_F(SimulatedPort, WhatIsReadyTogetherComesInAnyOrderInRoughWeather) {
  world.change({.shuffled = true});
  std::set<std::uint64_t> first;
  for (int n = 0; n < 50; ++n) {
    ASSERT_FALSE(port->apply(arm(near->handle(), 1, interest::out)));
    ASSERT_FALSE(port->apply(arm(far->handle(), 2, interest::out)));
    first.insert(next(*port).value().key);
    ASSERT_TRUE(next(*port));
  }
  EXPECT_EQ(first, (std::set<std::uint64_t>{1, 2}));
}

class SimulatedPortOfADrainedSocket : public SimulatedPort {
protected:
  void arrive(std::string_view text) {
    const net::const_buffer piece{text.data(), text.size()};
    while (far->write({&piece, 1}).bytes == 0) world.advance(1ms);
  }
  /// Arms with the word that the socket is drained.
  std::error_code arm_drained() {
    auto wanted = arm(near->handle(), 1, interest::in);
    wanted.known = notify::hint::drained;
    return port->apply(wanted);
  }
  net::io_result read(std::size_t most) {
    std::array<std::byte, 16> into;
    return near->read(std::span(into).first(most));
  }
};

TEST_F(SimulatedPortOfADrainedSocket, LosesAnEventByAFalseWordAndCountsIt) {
  ASSERT_FALSE(port->apply(arm(near->handle(), 1, interest::in)));
  arrive("xy");
  ASSERT_TRUE(next(*port));
  ASSERT_FALSE(read(1).drained);
  ASSERT_FALSE(arm_drained());
  EXPECT_EQ(world.false_words(), 1u);
  EXPECT_FALSE(next(*port)) << "one byte is there, and was called read";
  arrive("z");
  EXPECT_FALSE(next(*port)) << "to a port of changes it is none";
  ASSERT_EQ(read(16).bytes, 2u);
  arrive("z");
  EXPECT_TRUE(next(*port));
}

TEST_F(SimulatedPortOfADrainedSocket, TakesAReadBeforeThePacketForNone) {
  ASSERT_FALSE(port->apply(arm(near->handle(), 1, interest::in)));
  ASSERT_TRUE(read(16).drained);
  arrive("x");
  ASSERT_TRUE(next(*port));
  ASSERT_FALSE(arm_drained());
  EXPECT_EQ(world.false_words(), 1u);
  EXPECT_FALSE(next(*port));
}

TEST_F(SimulatedPortOfADrainedSocket, CountsNoTrueWord) {
  world.change({.short_read = 500, .would_block = 300});
  ASSERT_FALSE(port->apply(arm(near->handle(), 1, interest::in)));
  std::size_t received = 0;
  for (std::size_t sent = 0; sent < 200; ++sent) {
    arrive("x");
    // Whatever a read says: the weather makes reads short, too, that leave something.
    while (received <= sent) {
      ASSERT_TRUE(next(*port)) << sent;
      const auto got = read(16);
      received += got.bytes;
      ASSERT_FALSE(got.drained ? arm_drained() : port->apply(arm(near->handle(), 1, interest::in)));
    }
  }
  EXPECT_EQ(world.false_words(), 0u);
}

TEST_F(SimulatedPort, LosesTheOneRearmItIsToldToLose) {
  world.lose_rearm(1);
  ASSERT_FALSE(port->apply(arm(near->handle(), 1, interest::out)));
  EXPECT_TRUE(next(*port));
  ASSERT_FALSE(port->apply(arm(near->handle(), 1, interest::out)));
  EXPECT_TRUE(next(*port)) << "the first re-arm holds";
  ASSERT_FALSE(port->apply(arm(near->handle(), 1, interest::out)));
  EXPECT_FALSE(next(*port)) << "the second is lost";
  ASSERT_FALSE(port->apply(arm(near->handle(), 1, interest::out)));
  EXPECT_TRUE(next(*port));
}

}  // namespace
}  // namespace switchboard::simulated
