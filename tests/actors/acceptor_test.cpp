#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>
#include <gtest/gtest.h>

#include <switchboard/actors/acceptor.hpp>
#include <switchboard/budget/account.hpp>
#include <switchboard/testkit/acting.hpp>
#include <switchboard/testkit/scripted_transport.hpp>
#include <switchboard/testkit/stage.hpp>

namespace switchboard::actors {
namespace {

constexpr auto socket = static_cast<net::socket_handle>(7);

/// A listener in a process that is out of descriptors.
class exhausted_listener final : public net::listener {
public:
  explicit exhausted_listener(std::shared_ptr<int> waiting) : waiting_(std::move(waiting)) {}

  net::socket_handle handle() const noexcept override { return socket; }
  const net::endpoint& local() const noexcept override { return local_; }
  error_or<std::unique_ptr<net::transport>> accept() noexcept override {
    if (*waiting_ == 0) return std::unique_ptr<net::transport>();
    return errc::out_of_descriptors;
  }
  bool refuse(void (*)(net::transport&)) noexcept override {
    if (*waiting_ == 0) return false;
    --*waiting_;
    return true;
  }

private:
  const std::shared_ptr<int> waiting_;  ///< connections in the queue
  const net::endpoint local_ = net::endpoint::tcp("127.0.0.1", 7000);
};

caf::behavior deaf_broker() {
  return {[](const acceptor_closed&) {}, [](const connection_opened&) {}};
}

class Acceptor : public testing::Test {
protected:
  Acceptor() {
    environment->pump = stage.pump();
    environment->figures = std::make_shared<metrics::registry>();
    environment->memory = std::make_shared<budget::ledger>(std::size_t{1} << 20);
    environment->broker = caf::actor_cast<caf::strong_actor_ptr>(testkit::spawn_acting(stage.system(), deaf_broker()));
    served_ = stage.system().spawn<acceptor>(
        acceptor_environment{environment, std::make_shared<std::atomic<std::uint64_t>>(1),
                             std::make_shared<open_connections>(0, 0)},
        std::make_unique<exhausted_listener>(waiting), connection_factory{});
    stage.settle();
  }
  ~Acceptor() override {
    caf::anon_send(served_, close_acceptor{});
    caf::anon_send_exit(environment->broker, caf::exit_reason::user_shutdown);
    served_ = nullptr;
    environment = nullptr;
    stage.settle();
  }

  testkit::stage stage;
  std::shared_ptr<connection_environment> environment = std::make_shared<connection_environment>();
  std::shared_ptr<int> waiting = std::make_shared<int>(0);

private:
  caf::actor served_;
};

TEST_F(Acceptor, CountsWhomItRefusesForWantOfDescriptors) {
  *waiting = acceptor::refusals + 6;
  ASSERT_TRUE(stage.port().fire(socket, notify::event::in));
  stage.settle();
  const auto refused = [&] {
    return environment->figures->read().value("switchboard_connections_refused_total", {"descriptors_max"});
  };
  const auto hits = [&] {
    return environment->figures->read().value("switchboard_limit_hits_total", {"descriptors_max"});
  };
  EXPECT_EQ(refused(), acceptor::refusals);
  EXPECT_EQ(hits(), 1);
  stage.advance(acceptor::pause);
  EXPECT_EQ(refused(), acceptor::refusals + 6);
  EXPECT_EQ(hits(), 2);
}

TEST(OpenConnections, HaveNoMorePlacesThanTheirLimitInAll) {
  const auto places = std::make_shared<open_connections>(2, 0);
  auto first = places->take_place(net::endpoint::tcp("1.1.1.1", 1));
  auto second = places->take_place(net::endpoint::tcp("2.2.2.2", 1));
  EXPECT_TRUE(first.place && second.place);
  const auto third = places->take_place(net::endpoint::tcp("3.3.3.3", 1));
  EXPECT_FALSE(third.place);
  EXPECT_EQ(third.why, open_connections::refusal::in_all);
  first.place = {};
  EXPECT_TRUE(places->take_place(net::endpoint::tcp("3.3.3.3", 1)).place);
}

TEST(OpenConnections, HaveNoMorePlacesForAnAddressThanItsLimit) {
  const auto places = std::make_shared<open_connections>(0, 1);
  auto first = places->take_place(net::endpoint::tcp("1.1.1.1", 1));
  EXPECT_TRUE(first.place);
  EXPECT_EQ(places->take_place(net::endpoint::tcp("1.1.1.1", 2)).why, open_connections::refusal::per_address);
  EXPECT_TRUE(places->take_place(net::endpoint::tcp("2.2.2.2", 1)).place);
  first.place = {};
  EXPECT_TRUE(places->take_place(net::endpoint::tcp("1.1.1.1", 3)).place);
}

constexpr auto busy_socket = static_cast<net::socket_handle>(8);

/// A listener with one connection after another.
class busy_listener final : public net::listener {
public:
  explicit busy_listener(std::shared_ptr<std::vector<std::shared_ptr<testkit::scripted_wire>>> waiting)
      : waiting_(std::move(waiting)) {}

  net::socket_handle handle() const noexcept override { return busy_socket; }
  const net::endpoint& local() const noexcept override { return local_; }
  error_or<std::unique_ptr<net::transport>> accept() noexcept override {
    if (waiting_->empty()) return std::unique_ptr<net::transport>();
    auto next = std::move(waiting_->back());
    waiting_->pop_back();
    return std::unique_ptr<net::transport>(
        new testkit::scripted_transport(static_cast<net::socket_handle>(100), std::move(next)));
  }
  bool refuse(void (*)(net::transport&)) noexcept override { return false; }

private:
  const std::shared_ptr<std::vector<std::shared_ptr<testkit::scripted_wire>>> waiting_;
  const net::endpoint local_ = net::endpoint::tcp("127.0.0.1", 7000);
};

/// An acceptor that has as many clients in its queue as a test says.
class FullServer : public Acceptor {
protected:
  ~FullServer() override {
    caf::anon_send(accepting_, close_acceptor{});
    accepting_ = nullptr;
    stage.settle();
  }

  void accept(std::size_t connections_max, std::initializer_list<std::shared_ptr<testkit::scripted_wire>> clients) {
    const auto queue = std::make_shared<std::vector<std::shared_ptr<testkit::scripted_wire>>>();
    accepting_ = stage.system().spawn<acceptor>(
        acceptor_environment{environment, std::make_shared<std::atomic<std::uint64_t>>(1),
                             std::make_shared<open_connections>(connections_max, 0)},
        std::make_unique<busy_listener>(queue),
        [this](caf::event_based_actor&, std::uint64_t, std::unique_ptr<net::transport> transport,
               connection_place place) {
          made.push_back(std::move(transport));
          places_.push_back(std::move(place));
          return caf::strong_actor_ptr{};
        });
    stage.settle();
    *queue = clients;
    ASSERT_TRUE(stage.port().fire(busy_socket, notify::event::in));
    stage.settle();
  }
  static void expect_turned_away(const testkit::scripted_wire& client, std::string_view limit) {
    EXPECT_TRUE(client.write_shut);
    EXPECT_TRUE(client.closed);
    EXPECT_NE(client.output.find(limit), std::string::npos);
  }

  std::vector<std::unique_ptr<net::transport>> made;

private:
  caf::actor accepting_;
  std::vector<connection_place> places_;
};

TEST_F(FullServer, TellsAClientThatThereIsNoPlaceForItAndClosesIt) {
  const auto taken = std::make_shared<testkit::scripted_wire>();
  const auto turned_away = std::make_shared<testkit::scripted_wire>();
  accept(1, {turned_away, taken});
  EXPECT_EQ(made.size(), 1u);
  EXPECT_FALSE(taken->closed);
  expect_turned_away(*turned_away, "connections_max");
}

TEST_F(FullServer, TellsAClientThatThereIsNoMemoryForItAndClosesIt) {
  environment->memory = std::make_shared<budget::ledger>(budget::account::step);
  const budget::account of_rooms{environment->memory, budget::owner::room};
  const budget::account of_more{environment->memory, budget::owner::room};
  const auto turned_away = std::make_shared<testkit::scripted_wire>();
  accept(0, {turned_away});
  EXPECT_TRUE(made.empty());
  expect_turned_away(*turned_away, "memory_max");
}

}  // namespace
}  // namespace switchboard::actors
