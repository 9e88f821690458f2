#include <memory>
#include <string>

#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>
#include <gtest/gtest.h>

#include <switchboard/actors/acceptor.hpp>
#include <switchboard/testkit/scripted_transport.hpp>
#include <switchboard/testkit/stage.hpp>

namespace switchboard {
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

caf::behavior deaf_broker(caf::event_based_actor*) {
  return {[](const acceptor_closed&) {}};
}

class Acceptor : public testing::Test {
protected:
  Acceptor() {
    environment->pump = stage.pump();
    environment->figures = std::make_shared<metrics::registry>();
    environment->broker = caf::actor_cast<caf::strong_actor_ptr>(stage.system().spawn(deaf_broker));
    served_ = stage.system().spawn<acceptor>(environment, std::make_shared<std::atomic<std::uint64_t>>(1),
                                             std::make_unique<exhausted_listener>(waiting));
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
    return environment->figures->read().value("switchboard_connections_refused_total", {"descriptors"});
  };
  const auto hits = [&] { return environment->figures->read().value("switchboard_limit_hits_total", {"descriptors"}); };
  EXPECT_EQ(refused(), acceptor::refusals);
  EXPECT_EQ(hits(), 1);
  stage.advance(acceptor::pause);
  EXPECT_EQ(refused(), acceptor::refusals + 6);
  EXPECT_EQ(hits(), 2);
}

}  // namespace
}  // namespace switchboard
