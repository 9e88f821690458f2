#include "connections.hpp"

#include <filesystem>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <switchboard/error/errc.hpp>

namespace switchboard::net {

int lowest_free_descriptor() {
  const int probe = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::close(probe);
  return probe;
}

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

namespace {

TEST(Listener, TellsTheActualPortWhereZeroWasAsked) {
  const auto through = listen_at(any_port());
  EXPECT_EQ(through->local().host(), "127.0.0.1");
  EXPECT_NE(through->local().port(), 0);
}

TEST(Listener, AcceptGivesNothingWhenNobodyWaits) {
  const auto through = listen_at(any_port());
  const auto taken = through->accept();
  ASSERT_TRUE(taken);
  EXPECT_EQ(*taken, nullptr);
}

TEST(Listener, AcceptsConnectionsInTheOrderTheyCame) {
  const auto through = listen_at(any_port());
  const auto first = connect_to(through->local());
  const auto second = connect_to(through->local());
  ASSERT_EQ(write(*first, "1").outcome, io_outcome::done);
  ASSERT_EQ(write(*second, "2").outcome, io_outcome::done);
  EXPECT_EQ(read_exactly(*accept_from(*through), 1), "1");
  EXPECT_EQ(read_exactly(*accept_from(*through), 1), "2");
}

TEST(Listener, TakenPortIsAddressInUse) {
  const auto through = listen_at(any_port());
  EXPECT_EQ(system_network().listen(through->local()).error(), errc::address_in_use);
}

TEST(Listener, PortWithOldConnectionsMayBeListenedAtAgain) {
  auto through = listen_at(any_port());
  const auto at = through->local();
  auto [client, server] = make_connection(*through);
  server.reset();
  ASSERT_TRUE(await(client->handle(), POLLIN));
  client.reset();
  through.reset();
  EXPECT_TRUE(system_network().listen(at));
}

TEST(Listener, Ipv6AndIpv4MayHaveTheSamePort) {
  const auto v6 = listen_at(endpoint::tcp("::", 0));
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->local().to_string(), "[::]:" + std::to_string(v6->local().port()));
  EXPECT_TRUE(system_network().listen(endpoint::tcp("0.0.0.0", v6->local().port())));
  const auto client = connect_to(endpoint::tcp("::1", v6->local().port()));
  EXPECT_EQ(accept_from(*v6)->peer().host(), "::1");
}

TEST(Listener, ConnectionThatEndedInTheBacklogIsHarmless) {
  const auto through = listen_at(any_port());
  {
    const auto aborted = connect_to(through->local());
    ASSERT_TRUE(await(through->handle(), POLLIN));
    const linger now{.l_onoff = 1, .l_linger = 0};
    ASSERT_EQ(setsockopt(number_of(aborted->handle()), SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
  }
  const auto client = connect_to(through->local());
  ASSERT_EQ(write(*client, "x").outcome, io_outcome::done);
  auto taken = accept_from(*through);
  ASSERT_TRUE(taken);
  if (read_exactly(*taken, 1).empty()) taken = accept_from(*through);
  ASSERT_TRUE(taken);
}

TEST(Listener, AcceptOutOfDescriptorsSaysSoAndKeepsTheConnectionWaiting) {
  const auto through = listen_at(any_port());
  const auto client = connect_to(through->local());
  ASSERT_TRUE(await(through->handle(), POLLIN));
  {
    const descriptors_end_at limit(lowest_free_descriptor());
    EXPECT_EQ(through->accept().error(), errc::out_of_descriptors);
    EXPECT_EQ(through->accept().error(), errc::out_of_descriptors);
  }
  EXPECT_NE(accept_from(*through), nullptr);
}

TEST(Listener, RefusesOutOfDescriptorsWithAFarewell) {
  const auto through = listen_at(any_port());
  std::vector<std::unique_ptr<transport>> clients;
  for (int n = 0; n < 3; ++n) {
    clients.push_back(connect_to(through->local()));
    ASSERT_EQ(write(*clients.back(), "hello, already sent").outcome, io_outcome::done);
  }
  ASSERT_TRUE(await(through->handle(), POLLIN));
  const descriptors_end_at limit(lowest_free_descriptor());
  ASSERT_EQ(through->accept().error(), errc::out_of_descriptors);
  for (const auto& client : clients) {
    EXPECT_TRUE(through->refuse([](transport& to) { EXPECT_EQ(write(to, "full").outcome, io_outcome::done); }));
    EXPECT_EQ(read_exactly(*client, 4), "full");
    ASSERT_TRUE(await(client->handle(), POLLIN));
    EXPECT_EQ(read_one(*client).outcome, io_outcome::end_of_stream);
  }
  EXPECT_FALSE(through->refuse(nullptr));
}

TEST(Listener, RefusesWithoutAFarewell) {
  const auto through = listen_at(any_port());
  const auto client = connect_to(through->local());
  ASSERT_TRUE(await(through->handle(), POLLIN));
  EXPECT_TRUE(through->refuse(nullptr));
  ASSERT_TRUE(await(client->handle(), POLLIN));
  EXPECT_EQ(read_one(*client).outcome, io_outcome::end_of_stream);
}

TEST(Network, AdoptsAConnectionThatAPortAccepted) {
  const auto through = listen_at(any_port());
  const auto client = connect_to(through->local());
  ASSERT_TRUE(await(through->handle(), POLLIN));
  const int accepted = ::accept4(number_of(through->handle()), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  const auto adopted = system_network().adopt(static_cast<socket_handle>(accepted));
  ASSERT_TRUE(adopted);
  EXPECT_EQ((*adopted)->peer().host(), "127.0.0.1");
  ASSERT_EQ(write(**adopted, "x").outcome, io_outcome::done);
  EXPECT_EQ(read_exactly(*client, 1), "x");
}

TEST(Network, ClosesWhatItCannotAdopt) {
  const auto before = open_descriptors();
  const int unconnected = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(system_network().adopt(static_cast<socket_handle>(unconnected)).error(), std::errc::not_connected);
  EXPECT_EQ(open_descriptors(), before);
}

TEST(Listener, DestructionStopsListeningAndLeavesNoDescriptor) {
  const auto before = open_descriptors();
  auto through = listen_at(any_port());
  const auto at = through->local();
  through.reset();
  EXPECT_EQ(open_descriptors(), before);
  const auto client = connect_to(at);
  ASSERT_TRUE(await(client->handle(), POLLOUT));
  EXPECT_EQ(client->pending_error(), std::errc::connection_refused);
}

}  // namespace
}  // namespace switchboard::net
