#include "connection.hpp"
#include "numbers_service.hpp"

#include <thread>

#include <switchboard/client/reconnecting_client.hpp>
#include <switchboard/client/typed_client.hpp>
#include <switchboard/testkit/expectations.hpp>
#include <switchboard/v1/frame.pb.h>

namespace switchboard::client {
namespace {

using rpc::code;
using testkit::has_code;

backoff short_pauses() {
  return backoff{{.first = 1ms, .cap = 5ms}, 1};
}

TEST(ReconnectingClient, KeepsAConnectionThatIsGood) {
  const auto listener = listen_on_loopback();
  reconnecting_client server{listener->local(), short_pauses()};
  const auto first = server.connected(patience());
  ASSERT_TRUE(first);
  const auto peer = accept_from(*listener);
  const auto handle = (*first)->channel().handle();
  const auto again = server.connected(patience());
  ASSERT_TRUE(again);
  EXPECT_EQ((*again)->channel().handle(), handle);
}

TEST(ReconnectingClient, ConnectsAnewAfterABreakAndRepeatsNothing) {
  const auto listener = listen_on_loopback();
  reconnecting_client server{listener->local(), short_pauses()};
  const auto first = server.connected(patience());
  ASSERT_TRUE(first);
  auto in_flight = (*first)->open(Numbers::square::name, number(3), {.end = true});
  { const auto gone = accept_from(*listener); }
  Number reply;
  EXPECT_TRUE(testkit::ended_with(in_flight.next(reply, patience()), code::unavailable));
  const auto second = server.connected(patience());
  ASSERT_TRUE(second);
  auto peer = accept_from(*listener);
  auto asked = (*second)->open(Numbers::square::name, number(4), {.end = true});
  EXPECT_EQ(take_frame(peer).message(), number(4).SerializeAsString());
}

TEST(ReconnectingClient, ConnectsAnewWhenTheServerHasEndedTheConnection) {
  const auto listener = listen_on_loopback();
  reconnecting_client server{listener->local(), short_pauses()};
  const auto first = server.connected(patience());
  ASSERT_TRUE(first);
  auto peer = accept_from(*listener);
  v1::Frame last;
  last.mutable_status()->set_code(static_cast<int>(code::invalid_argument));
  ASSERT_EQ(peer.send(last, patience()), std::error_code());
  ASSERT_FALSE((*first)->channel().wait(notify::interest::in, patience()));
  ASSERT_TRUE(server.connected(patience()));
  (void)accept_from(*listener);
}

TEST(ReconnectingClient, TriesUntilTheServerIsThere) {
  auto listener = listen_on_loopback();
  const auto at = listener->local();
  listener = nullptr;
  reconnecting_client server{at, short_pauses()};
  std::thread later([&] {
    // Most attempts fail before: any number of them may.
    std::this_thread::yield();
    listener = std::move(net::system_network().listen(at).value());
  });
  EXPECT_TRUE(server.connected(patience()));
  later.join();
}

TEST(ReconnectingClient, SaysWhyTheLastAttemptFailed) {
  const auto at = listen_on_loopback()->local();
  reconnecting_client server{at, short_pauses()};
  const auto client = server.connected(within(50ms));
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error(), std::errc::connection_refused);
}

TEST(ReconnectingClient, WaitsNoLongerThanItsDeadline) {
  const auto at = listen_on_loopback()->local();
  reconnecting_client server{at, backoff{{.first = 1h, .cap = 1h}, 1}};
  const auto began = clock::now();
  EXPECT_FALSE(server.connected(within(20ms)));
  EXPECT_LT(clock::now() - began, 10s);
}

}  // namespace
}  // namespace switchboard::client
