#include "connections.hpp"

#include <vector>

#include <switchboard/error/errc.hpp>

namespace switchboard::net {
namespace {

TEST(Transport, CarriesBytesBothWays) {
  const auto [client, server] = make_connection();
  EXPECT_EQ(write(*client, "question").bytes, 8U);
  EXPECT_EQ(read_exactly(*server, 8), "question");
  EXPECT_EQ(write(*server, "answer").bytes, 6U);
  EXPECT_EQ(read_exactly(*client, 6), "answer");
}

TEST(Transport, ReadSaysWouldBlockWhenNothingIsThere) {
  const auto [client, server] = make_connection();
  const auto got = read_one(*server);
  EXPECT_EQ(got.outcome, io_outcome::would_block);
  EXPECT_EQ(got.bytes, 0U);
  EXPECT_FALSE(got.error);
}

TEST(Transport, ReadGivesNoMoreThanThereIsRoomFor) {
  const auto [client, server] = make_connection();
  ASSERT_EQ(write(*client, "0123456789").bytes, 10U);
  ASSERT_TRUE(await(server->handle(), POLLIN));
  std::array<std::byte, 4> chunk;
  EXPECT_EQ(server->read(chunk).bytes, 4U);
  EXPECT_EQ(read_exactly(*server, 6), "456789");
}

TEST(Transport, ReadWithoutRoomIsNotTakenForTheEndOfTheStream) {
  const auto [client, server] = make_connection();
  const auto got = server->read({});
  EXPECT_EQ(got.outcome, io_outcome::failed);
  EXPECT_EQ(got.error, errc::invalid_request);
}

TEST(Transport, WriteGathersItsPiecesInOrder) {
  const auto [client, server] = make_connection();
  const std::array pieces{piece("one "), piece(""), piece("two "), piece("three")};
  EXPECT_EQ(client->write(pieces).bytes, 13U);
  EXPECT_EQ(read_exactly(*server, 13), "one two three");
}

TEST(Transport, WriteLooksAtNoMorePiecesThanTheLimit) {
  const auto [client, server] = make_connection();
  const std::vector<const_buffer> pieces(transport::gather_limit + 10, piece("x"));
  const auto sent = client->write(pieces);
  EXPECT_EQ(sent.outcome, io_outcome::done);
  EXPECT_EQ(sent.bytes, transport::gather_limit);
}

TEST(Transport, WriteOfNothingIsRefused) {
  const auto [client, server] = make_connection();
  EXPECT_EQ(client->write({}).error, errc::invalid_request);
  EXPECT_EQ(write(*client, "").error, errc::invalid_request);
}

TEST(Transport, WriteTakesAPartAndThenWouldBlockUntilThePeerReads) {
  const auto [client, server] = make_connection();
  const int small = 4096;
  ASSERT_EQ(setsockopt(number_of(client->handle()), SOL_SOCKET, SO_SNDBUF, reinterpret_cast<const char*>(&small),
                       sizeof small),
            0);
  const std::string block(1 << 20, 'b');
  std::size_t sent = 0;
  io_result last{};
  bool was_partial = false;
  while ((last = write(*client, block)).outcome == io_outcome::done) {
    was_partial = was_partial || last.bytes < block.size();
    sent += last.bytes;
  }
  EXPECT_EQ(last.outcome, io_outcome::would_block);
  EXPECT_TRUE(was_partial);
  EXPECT_EQ(read_exactly(*server, sent).size(), sent);
  EXPECT_TRUE(await(client->handle(), POLLOUT));
  EXPECT_EQ(write(*client, "x").outcome, io_outcome::done);
}

TEST(Transport, ShutdownEndsOneDirectionAfterWhatWasWritten) {
  const auto [client, server] = make_connection();
  ASSERT_EQ(write(*client, "last words").outcome, io_outcome::done);
  EXPECT_FALSE(client->shutdown_write());
  EXPECT_EQ(read_exactly(*server, 10), "last words");
  ASSERT_TRUE(await(server->handle(), POLLIN));
  EXPECT_EQ(read_one(*server).outcome, io_outcome::end_of_stream);
  ASSERT_EQ(write(*server, "reply").outcome, io_outcome::done);
  EXPECT_EQ(read_exactly(*client, 5), "reply");
}

TEST(Transport, DestructionClosesTheSocket) {
  auto [client, server] = make_connection();
  client.reset();
  ASSERT_TRUE(await(server->handle(), POLLIN));
  EXPECT_EQ(read_one(*server).outcome, io_outcome::end_of_stream);
}

/// Registered where the system says why a connection was reset; Wine forgets it, or takes it for the end of the stream.
class TransportExplainingResets : public testing::TestWithParam<bool> {};

TEST_P(TransportExplainingResets, HasThemPendingOnce) {
  auto [client, server] = make_connection();
  ASSERT_EQ(write(*client, "never read").outcome, io_outcome::done);
  ASSERT_TRUE(await(server->handle(), POLLIN));
  server.reset();
  std::error_code error;
  ASSERT_TRUE(becomes_true([&, from = client.get()] { return bool(error = from->pending_error()); }));
  EXPECT_EQ(error, std::errc::connection_reset);
  EXPECT_FALSE(client->pending_error());
}

TEST_P(TransportExplainingResets, ShowsThemInRead) {
  auto [client, server] = make_connection();
  ASSERT_EQ(write(*client, "never read").outcome, io_outcome::done);
  ASSERT_TRUE(await(server->handle(), POLLIN));
  server.reset();
  io_result got{};
  ASSERT_TRUE(becomes_true([&, from = client.get()] {
    got = read_one(*from);
    return got.outcome != io_outcome::would_block;
  }));
  EXPECT_EQ(got.outcome, io_outcome::failed);
  EXPECT_EQ(got.error, std::errc::connection_reset);
}

INSTANTIATE_TEST_SUITE_P(System, TransportExplainingResets,
                         testing::ValuesIn(is_wine() ? std::vector<bool>{} : std::vector<bool>{true}));
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(TransportExplainingResets);

TEST(Transport, KnowsItsPeer) {
  const auto through = listen_at(any_port());
  const auto [client, server] = make_connection(*through);
  EXPECT_EQ(client->peer(), through->local());
  EXPECT_EQ(server->peer().host(), "127.0.0.1");
  EXPECT_NE(server->peer().port(), 0);
}

TEST(Network, ConnectToNobodyIsToldByThePendingError) {
  const auto nobody = listen_at(any_port())->local();
  const auto client = connect_to(nobody);
  ASSERT_TRUE(await(client->handle(), POLLOUT));
  EXPECT_EQ(client->pending_error(), std::errc::connection_refused);
}

TEST(Network, ConnectTriesEveryAddressOfAName) {
  const auto through = listen_at(any_port());
  const auto client = connect_to(endpoint::tcp("localhost", through->local().port()));
  EXPECT_TRUE(accept_from(*through));
  ASSERT_TRUE(await(client->handle(), POLLOUT));
  EXPECT_FALSE(client->pending_error());
}

TEST(Network, NameWithoutAnAddressIsUnresolved) {
  // Longer than any name may be, so that no server needs to be asked.
  const auto nowhere = endpoint::tcp(std::string(300, 'x'), 80);
  EXPECT_EQ(system_network().connect(nowhere).error(), errc::unresolved_host);
  EXPECT_EQ(system_network().listen(nowhere).error(), errc::unresolved_host);
}

}  // namespace
}  // namespace switchboard::net
