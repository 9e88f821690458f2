#include "notification_port_contract.hpp"

#include <atomic>
#include <mutex>
#include <set>

/// Rules N53 to N55: listeners, accepting as a completion, and the end of a port.

namespace switchboard::notify {
namespace {

TEST_P(NotificationPortContract, N53ListenerInMeansTryAccept) {
  const auto listener = listen();
  ASSERT_FALSE(port().apply(arm(listener->handle(), 1, interest::in)));
  EXPECT_TRUE(is_quiet(port()));
  const auto client = std::move(*GetParam().network().connect(listener->local()));
  EXPECT_EQ(next(port()), packet_of(1, event::in));
  EXPECT_NE(*listener->accept(), nullptr);
  EXPECT_EQ(*listener->accept(), nullptr);
}

TEST_P(NotificationPortContract, N53ListenerRearmedWithConnectionsWaitingFiresAgain) {
  constexpr int clients = 3;
  const auto listener = listen();
  std::vector<std::unique_ptr<net::transport>> connecting;
  for (int n = 0; n < clients; ++n) connecting.push_back(std::move(*GetParam().network().connect(listener->local())));
  for (int n = 0; n < clients; ++n) {
    ASSERT_FALSE(port().apply(arm(listener->handle(), 1, interest::in)));
    ASSERT_EQ(next(port()), packet_of(1, event::in));
    EXPECT_NE(*listener->accept(), nullptr);
  }
  ASSERT_FALSE(port().apply(arm(listener->handle(), 1, interest::in)));
  EXPECT_TRUE(is_quiet(port()));
}

TEST_P(NotificationPortContract, N54AcceptCompletesAsAPacketWithTheConnection) {
  const auto listener = listen();
  ASSERT_FALSE(port().apply(arm(listener->handle(), 1, interest::none)));
  ASSERT_FALSE(port().async_accept(listener->handle(), 2));
  EXPECT_TRUE(is_quiet(port()));
  const auto client = std::move(*GetParam().network().connect(listener->local()));
  const auto server = accept_completed(next(port()), 2);
  ASSERT_TRUE(server);
  send(*client, "x");
  await_readable(*server);
  EXPECT_EQ(drain(*server), "x");
  EXPECT_EQ(outcome_of_read(*server), net::io_outcome::would_block) << "accepted sockets do not block";
}

TEST_P(NotificationPortContract, N54SeveralAcceptsMayBeOutstanding) {
  constexpr std::uint64_t accepts = 5;
  const auto listener = listen();
  ASSERT_FALSE(port().apply(arm(listener->handle(), 1, interest::none)));
  for (std::uint64_t key = 11; key < 11 + accepts; ++key) ASSERT_FALSE(port().async_accept(listener->handle(), key));
  std::vector<std::unique_ptr<net::transport>> clients;
  std::set<std::uint64_t> keys;
  for (std::uint64_t n = 0; n < accepts; ++n) {
    clients.push_back(std::move(*GetParam().network().connect(listener->local())));
    const auto completed = next(port());
    ASSERT_TRUE(completed);
    EXPECT_TRUE(accept_completed(completed, completed->key));
    EXPECT_TRUE(keys.insert(completed->key).second) << completed->key;
  }
  EXPECT_EQ(keys, (std::set<std::uint64_t>{11, 12, 13, 14, 15}));
}

TEST_P(NotificationPortContract, N54ConnectionsWithoutAnAcceptWaitForTheNext) {
  constexpr int waiting = 3;
  const auto listener = listen();
  ASSERT_FALSE(port().apply(arm(listener->handle(), 1, interest::none)));
  std::vector<std::unique_ptr<net::transport>> clients;
  for (int n = 0; n < waiting; ++n) clients.push_back(std::move(*GetParam().network().connect(listener->local())));
  ASSERT_TRUE(is_quiet(port()));
  for (int n = 0; n < waiting; ++n) {
    ASSERT_FALSE(port().async_accept(listener->handle(), 2));
    EXPECT_TRUE(accept_completed(next(port()), 2));
    EXPECT_TRUE(is_quiet(port())) << "one packet an accept";
  }
}

TEST_P(NotificationPortContract, N54RemoveCancelsWhatIsOutstandingAheadOfItsOwnEvent) {
  const auto listener = listen();
  ASSERT_FALSE(port().apply(arm(listener->handle(), 1, interest::none)));
  for (int n = 0; n < 3; ++n) ASSERT_FALSE(port().async_accept(listener->handle(), 2));
  ASSERT_FALSE(port().apply({.socket = listener->handle(), .op = operation::remove}));
  EXPECT_EQ(port().async_accept(listener->handle(), 2), errc::removing);
  for (int n = 0; n < 3; ++n) {
    const auto cancelled = next(port());
    ASSERT_TRUE(cancelled);
    EXPECT_EQ(cancelled->key, 2U);
    EXPECT_EQ(cancelled->accepted().error(), std::errc::operation_canceled);
  }
  EXPECT_EQ(next(port()), packet_of(1, event::remove));
  const auto client = std::move(*GetParam().network().connect(listener->local()));
  EXPECT_TRUE(is_quiet(port()));
  EXPECT_EQ(port().async_accept(listener->handle(), 2), errc::not_registered);
  ASSERT_FALSE(port().apply(arm(listener->handle(), 1, interest::in)));
  EXPECT_EQ(next(port()), packet_of(1, event::in)) << "the connection is still there to be accepted";
}

TEST_P(NotificationPortContract, N54OneCallMayRemoveAndTakeWhatItCancels) {
  const auto listener = listen();
  ASSERT_FALSE(port().apply(arm(listener->handle(), 1, interest::none)));
  ASSERT_FALSE(port().async_accept(listener->handle(), 2));
  std::array requests{request{.socket = listener->handle(), .op = operation::remove}};
  std::array<packet, 1> out;
  const auto count = port().process(requests, out, patience);
  ASSERT_TRUE(count.has_value());
  ASSERT_EQ(*count, 1U);
  EXPECT_EQ(out[0].accepted().error(), std::errc::operation_canceled);
  EXPECT_EQ(next(port()), packet_of(1, event::remove));
}

TEST_P(NotificationPortContract, N54AcceptsNeedARegistrationWithAnotherKey) {
  const auto listener = listen();
  EXPECT_EQ(port().async_accept(listener->handle(), 2), errc::not_registered);
  EXPECT_EQ(port().async_accept(net::socket_handle::invalid, 2), errc::not_registered);
  ASSERT_FALSE(port().apply(arm(listener->handle(), 1, interest::none)));
  EXPECT_EQ(port().async_accept(listener->handle(), 1), errc::invalid_request);
  EXPECT_EQ(make_port()->async_accept(listener->handle(), 2), errc::not_registered);
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 3, interest::none)));
  EXPECT_EQ(port().async_accept(pair.near->handle(), 4), errc::invalid_request) << "it does not listen";
  EXPECT_TRUE(is_quiet(port()));
}

TEST_P(NotificationPortContract, N54OutstandingAcceptsAreBounded) {
  const auto listener = listen();
  ASSERT_FALSE(port().apply(arm(listener->handle(), 1, interest::none)));
  for (std::size_t n = 0; n < notification_port::accept_limit; ++n)
    ASSERT_FALSE(port().async_accept(listener->handle(), 2));
  EXPECT_EQ(port().async_accept(listener->handle(), 2), std::errc::no_buffer_space);
  const auto client = std::move(*GetParam().network().connect(listener->local()));
  EXPECT_TRUE(accept_completed(next(port()), 2));
  EXPECT_FALSE(port().async_accept(listener->handle(), 2));
}

TEST_P(NotificationPortContract, N54EndOfThePortClosesConnectionsThatNobodyTook) {
  const auto listener = listen();
  ASSERT_FALSE(port().apply(arm(listener->handle(), 1, interest::none)));
  for (int n = 0; n < 2; ++n) ASSERT_FALSE(port().async_accept(listener->handle(), 2));
  const auto first = std::move(*GetParam().network().connect(listener->local()));
  const auto second = std::move(*GetParam().network().connect(listener->local()));
  EXPECT_TRUE(accept_completed(next(port()), 2)) << "the other is accepted as well, or waits";
  end_port();
  // One was taken above and closed; the other waits with the listener still, unless the port had it.
  while (const auto waiting = *listener->accept()) EXPECT_FALSE(waiting->shutdown_write());
  for (auto* each : {first.get(), second.get()}) {
    await_readable(*each);
    EXPECT_EQ(outcome_of_read(*each), net::io_outcome::end_of_stream);
  }
}

TEST_P(NotificationPortWithMovableListeners, N54ListenerMayAcceptOnAnotherPortOnceRemoved) {
  const auto listener = listen();
  for (int n = 0; n < 2; ++n) {
    ASSERT_FALSE(port().apply(arm(listener->handle(), 1, interest::none)));
    ASSERT_FALSE(port().async_accept(listener->handle(), 2));
    const auto client = std::move(*GetParam().network().connect(listener->local()));
    EXPECT_TRUE(accept_completed(next(port()), 2));
    ASSERT_FALSE(port().apply({.socket = listener->handle(), .op = operation::remove}));
    ASSERT_EQ(next(port()), packet_of(1, event::remove));
    renew_port();
  }
}

TEST_P(NotificationPortContract, N54ManyThreadsAcceptEveryConnectionOnce) {
  constexpr int clients = 200;
  constexpr std::uint64_t outstanding = 8;
  const auto listener = listen();
  ASSERT_FALSE(port().apply(arm(listener->handle(), 1, interest::none)));
  for (std::uint64_t n = 0; n < outstanding; ++n) ASSERT_FALSE(port().async_accept(listener->handle(), 2));
  std::mutex lock;
  std::vector<std::unique_ptr<net::transport>> accepted;
  std::atomic<int> count = 0;
  std::vector<std::jthread> drainers;
  for (int n = 0; n < 3; ++n)
    drainers.emplace_back([&] {
      std::array<packet, 4> out;
      for (;;) {
        const auto got = port().wait(out, notification_port::infinite);
        ASSERT_TRUE(got.has_value());
        for (const auto& each : std::span(out).first(*got)) {
          if (each.key == 0) {
            EXPECT_FALSE(port().post(0, 0));
            return;
          }
          EXPECT_FALSE(port().async_accept(listener->handle(), 2));
          auto connection = accept_completed(each, 2);
          ASSERT_TRUE(connection);
          const std::scoped_lock hold(lock);
          accepted.push_back(std::move(connection));
          ++count;
        }
      }
    });
  std::vector<std::unique_ptr<net::transport>> connected;
  for (int n = 0; n < clients; ++n) connected.push_back(std::move(*GetParam().network().connect(listener->local())));
  EXPECT_TRUE(eventually([&] { return count == clients; })) << count;
  ASSERT_FALSE(port().post(0, 0));
  drainers.clear();
  for (const auto& each : accepted) send(*each, "y");
  for (const auto& each : connected) {
    await_readable(*each);
    EXPECT_EQ(drain(*each), "y");
  }
}

TEST_P(NotificationPortContract, N54ListenerClosedWithoutRemoveDropsItsAcceptsSilently) {
  auto listener = listen();
  ASSERT_FALSE(port().apply(arm(listener->handle(), 1, interest::none)));
  ASSERT_FALSE(port().async_accept(listener->handle(), 2));
  listener.reset();
  EXPECT_TRUE(is_quiet(port()));
  const auto next_listener = listen();
  ASSERT_FALSE(port().apply(arm(next_listener->handle(), 3, interest::none)));
  const auto client = std::move(*GetParam().network().connect(next_listener->local()));
  EXPECT_TRUE(is_quiet(port())) << "whatever number it has";
  ASSERT_FALSE(port().async_accept(next_listener->handle(), 4));
  EXPECT_TRUE(accept_completed(next(port()), 4));
}

TEST_P(NotificationPortContract, N55DestructionDropsRegistrationsWithoutRemove) {
  const auto other = make_port();
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::in)));
  end_port();
  ASSERT_FALSE(other->apply(arm(*pair.near, 2, interest::out)));
  EXPECT_EQ(next(*other), packet_of(2, event::out));
  EXPECT_TRUE(is_quiet(*other));
}

TEST_P(NotificationPortContract, N55DestructionForgetsRemovalsNotYetDelivered) {
  const auto other = make_port();
  const auto pair = make_link();
  ASSERT_FALSE(port().apply(arm(*pair.near, 1, interest::out)));
  holder holding(port());
  ASSERT_TRUE(holding.has_taken());
  ASSERT_FALSE(port().apply(remove(*pair.near)));
  end_port();
  holding.join();
  EXPECT_FALSE(other->apply(arm(*pair.near, 2, interest::in)));
  EXPECT_TRUE(is_quiet(*other));
}

TEST_P(NotificationPortContract, N55ThreadMayOutliveManyPortsItWaitedOn) {
  const auto pair = make_link();
  for (std::uint64_t key = 1; key <= 200; ++key) {
    const auto made = make_port();
    ASSERT_FALSE(made->apply(arm(*pair.near, key, interest::out)));
    EXPECT_EQ(next(*made), packet_of(key, event::out));
  }
}

}  // namespace
}  // namespace switchboard::notify
