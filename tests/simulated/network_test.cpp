/// A simulated network behaves as TCP does, in fair weather and in rough, and the same for the same seed.

#include <array>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <switchboard/simulated/world.hpp>

namespace switchboard::simulated {
namespace {

using namespace std::chrono_literals;
using net::io_outcome;

struct link {
  std::unique_ptr<net::transport> near;
  std::unique_ptr<net::transport> far;
};

link make_link(world& in) {
  const auto listener = in.network().listen(net::endpoint::tcp("server", 0)).value();
  auto near = in.network().connect(listener->local()).value();
  while (!in.is_readable(listener->handle()) && in.advance(1h)) continue;
  return {std::move(near), listener->accept().value()};
}

net::io_result write(net::transport& to, std::string_view text) {
  const net::const_buffer piece{text.data(), text.size()};
  return to.write({&piece, 1});
}

net::io_result read(net::transport& from, std::string& into) {
  std::array<std::byte, 4096> chunk;
  const auto got = from.read(chunk);
  if (got.outcome == io_outcome::done) into.append(reinterpret_cast<const char*>(chunk.data()), got.bytes);
  return got;
}

std::string counted_bytes(std::size_t count) {
  std::string all;
  while (all.size() < count) all += std::to_string(all.size()) + ' ';
  all.resize(count);
  return all;
}

constexpr weather storm{
    .latency = 5ms, .send_buffer_bytes = 512, .short_read = 500, .short_write = 500, .would_block = 300};

/// Sends `text` in rough weather. @return a trace of what each read returned, with the time.
std::string send_through_storm(std::uint64_t seed, const std::string& text, std::string& trace) {
  world world{seed};
  world.change(storm);
  const auto pair = make_link(world);
  std::string received;
  for (std::size_t sent = 0; received.size() < text.size();) {
    if (sent < text.size()) sent += write(*pair.near, std::string_view(text).substr(sent)).bytes;
    const auto got = read(*pair.far, received);
    trace += std::to_string(got.bytes) + '@' + std::to_string(world.now().time_since_epoch().count()) + ' ';
    if (got.outcome == io_outcome::would_block && !world.advance(1ms) && trace.size() > (1U << 20U)) break;
  }
  return received;
}

TEST(SimulatedNetwork, CarriesBytesBothWaysAndEndsOneWayAtATime) {
  world world;
  auto pair = make_link(world);
  std::string received;
  ASSERT_EQ(write(*pair.near, "hello").bytes, 5u);
  EXPECT_EQ(read(*pair.far, received).bytes, 5u);
  EXPECT_EQ(read(*pair.far, received).outcome, io_outcome::would_block);
  ASSERT_FALSE(pair.near->shutdown_write());
  EXPECT_EQ(read(*pair.far, received).outcome, io_outcome::end_of_stream);
  ASSERT_EQ(write(*pair.far, "still").bytes, 5u);
  EXPECT_EQ(read(*pair.near, received).bytes, 5u);
  EXPECT_EQ(received, "hellostill");
  EXPECT_EQ(write(*pair.near, "x").error, std::errc::broken_pipe);
}

TEST(SimulatedNetwork, DeliversEveryByteInOrderThroughAnyStormThatCutsNothing) {
  const auto text = counted_bytes(5'000);
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    std::string trace;
    EXPECT_EQ(send_through_storm(seed, text, trace), text) << "seed " << seed;
  }
}

TEST(SimulatedNetwork, DoesTheSameForTheSameSeedAndSomethingElseForAnother) {
  const auto text = counted_bytes(2'000);
  std::string first, again, another;
  send_through_storm(7, text, first);
  send_through_storm(7, text, again);
  send_through_storm(8, text, another);
  EXPECT_EQ(first, again);
  EXPECT_NE(first, another);
}

TEST(SimulatedNetwork, TakesNoMoreThanItsBufferUntilTheOtherSideReads) {
  world world;
  world.change({.send_buffer_bytes = 10});
  const auto pair = make_link(world);
  EXPECT_EQ(write(*pair.near, "0123456789abc").bytes, 10u);
  EXPECT_EQ(write(*pair.near, "x").outcome, io_outcome::would_block);
  EXPECT_EQ(world.bytes_held(), 10u);
  std::string received;
  ASSERT_EQ(read(*pair.far, received).bytes, 10u);
  EXPECT_EQ(write(*pair.near, "x").bytes, 1u);
}

TEST(SimulatedNetwork, CutLosesWhatIsUnderWayFromAnyByteOnAndResetsBothEnds) {
  std::set<std::size_t> arrived;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    world world{seed};
    world.change({.latency = 10ms});
    const auto pair = make_link(world);
    while (world.advance(1s)) continue;
    ASSERT_EQ(write(*pair.near, "0123456789").bytes, 10u);
    world.cut(pair.near->handle());
    std::string received;
    while (read(*pair.far, received).outcome == io_outcome::done) continue;
    EXPECT_EQ(received, std::string_view("0123456789").substr(0, received.size()));
    arrived.insert(received.size());
    EXPECT_EQ(read(*pair.near, received).error, std::errc::connection_reset);
    EXPECT_EQ(read(*pair.near, received).outcome, io_outcome::end_of_stream);
  }
  EXPECT_GT(arrived.size(), 5u) << "not always at the same byte";
}

TEST(SimulatedNetwork, ClosingWithUnreadBytesResetsTheOtherEnd) {
  world world;
  auto pair = make_link(world);
  ASSERT_EQ(write(*pair.near, "never read").bytes, 10u);
  pair.far.reset();
  EXPECT_EQ(pair.near->pending_error(), std::errc::connection_reset);
  EXPECT_FALSE(pair.near->pending_error());
}

TEST(SimulatedNetwork, WritingToWhoIsGoneIsAnsweredWithAReset) {
  world world;
  auto pair = make_link(world);
  pair.far.reset();
  EXPECT_EQ(write(*pair.near, "x").outcome, io_outcome::done);
  ASSERT_TRUE(world.advance(1s));
  EXPECT_EQ(write(*pair.near, "x").error, std::errc::connection_reset);
}

TEST(SimulatedNetwork, RefusesConnectionsNobodyListensFor) {
  world world;
  const auto from = world.network().connect(net::endpoint::tcp("server", 1)).value();
  EXPECT_EQ(from->pending_error(), std::errc::connection_refused);
}

TEST(SimulatedNetwork, HasOneListenerAnEndpoint) {
  world world;
  const auto listener = world.network().listen(net::endpoint::tcp("server", 80)).value();
  EXPECT_EQ(world.network().listen(listener->local()).error(), errc::address_in_use);
}

TEST(SimulatedNetwork, OutOfDescriptorsTheListenerStillRefusesByName) {
  world world;
  world.change({.accept_failure = 1000});
  const auto listener = world.network().listen(net::endpoint::tcp("server", 80)).value();
  const auto from = world.network().connect(listener->local()).value();
  EXPECT_EQ(listener->accept().error(), errc::out_of_descriptors);
  EXPECT_TRUE(listener->refuse([](net::transport& to) { static_cast<void>(write(to, "no")); }));
  std::string received;
  EXPECT_EQ(read(*from, received).outcome, io_outcome::done);
  EXPECT_EQ(received, "no");
}

TEST(SimulatedNetwork, GivesTheLowestFreeNumberAndKeepsNoClosedSocket) {
  world world;
  const auto stays = make_link(world);
  auto gone = make_link(world);
  const auto number = gone.near->handle();
  EXPECT_EQ(world.sockets(), 4u);
  gone = {};
  EXPECT_EQ(world.sockets(), 2u);
  const auto newcomer = world.network().listen(net::endpoint::tcp("server", 0)).value();
  EXPECT_LE(newcomer->handle(), number);
}

}  // namespace
}  // namespace switchboard::simulated
