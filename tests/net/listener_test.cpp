#include "connections.hpp"

#include <switchboard/error/errc.hpp>

namespace switchboard::net {

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
    ASSERT_EQ(setsockopt(number_of(aborted->handle()), SOL_SOCKET, SO_LINGER, reinterpret_cast<const char*>(&now),
                         sizeof now),
              0);
  }
  const auto client = connect_to(through->local());
  ASSERT_EQ(write(*client, "x").outcome, io_outcome::done);
  auto taken = accept_from(*through);
  ASSERT_TRUE(taken);
  if (read_exactly(*taken, 1).empty()) taken = accept_from(*through);
  ASSERT_TRUE(taken);
}

TEST(Listener, RefusesWithoutAFarewell) {
  const auto through = listen_at(any_port());
  const auto client = connect_to(through->local());
  ASSERT_TRUE(await(through->handle(), POLLIN));
  EXPECT_TRUE(through->refuse(nullptr));
  ASSERT_TRUE(await(client->handle(), POLLIN));
  EXPECT_EQ(read_one(*client).outcome, io_outcome::end_of_stream);
}

}  // namespace
}  // namespace switchboard::net
