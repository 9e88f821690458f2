// Watching the end of a call, and the order of frames on the wire.

#include "kinds_service.hpp"

#include <gtest/gtest.h>

#include <switchboard/rpc/service_actor.hpp>
#include <switchboard/testkit/eventually.hpp>
#include <switchboard/testkit/frame_channel.hpp>
#include <switchboard/testkit/live_server.hpp>
#include <switchboard/v1/frame.pb.h>
#include <switchboard/v1/services.pb.h>
#include <switchboard/wire/frame_encoder.hpp>

namespace switchboard {
namespace {

using namespace std::chrono_literals;
constexpr auto patience = 20s;

/// Answers a stream of requests at its first message, and watches on.
class hasty {
public:
  hasty(rpc::service_actor* self, std::shared_ptr<witness> sees) : self_(self), sees_(std::move(sees)) {}

  void unary(const Order&, rpc::responder<Done> reply) { reply.reply(Done{}); }
  void serving(const Order&, rpc::outbound<Done> replies) { replies.finish(); }
  void taking(rpc::inbound<Order> orders, rpc::responder<Done> reply) {
    reply.watch(caf::actor_cast<caf::strong_actor_ptr>(self_));
    const auto held = std::make_shared<rpc::responder<Done>>(std::move(reply));
    orders.receive([held](Order&) { held->reply(Done{}); }, [](const rpc::status&) {});
  }
  void both(rpc::inbound<Order> orders, rpc::outbound<Done> replies) {
    const auto held = std::make_shared<rpc::outbound<Done>>(std::move(replies));
    orders.receive(
        [held](Order&) {
          for (int each = 0; each < 5; ++each) held->send(Done{});
          held->finish();
        },
        [](const rpc::status&) {});
  }
  void flood(const Order&, rpc::outbound<Done> replies) { replies.finish(); }

  caf::message_handler messages() {
    return {[this](const rpc::call_ended& ended) { sees_->saw(ended.why); }};
  }

private:
  rpc::service_actor* const self_;
  const std::shared_ptr<witness> sees_;
};

class AnsweredEarly : public testing::Test {
protected:
  AnsweredEarly() { server.add(Kinds::service<hasty>(sees)); }

  /// A connection with call 1 to a method that has granted messages.
  testkit::frame_channel begin(std::string_view method, std::uint32_t credit) {
    auto channel = testkit::frame_channel::connect(server.endpoint(), client::within(patience)).value();
    wire::append_open(channel.output(), 1, method, {}, false, credit, 0);
    EXPECT_FALSE(channel.flush(client::within(patience)));
    EXPECT_GT(next(channel).credit(), 0u);
    return channel;
  }
  v1::Frame next(testkit::frame_channel& from) {
    v1::Frame frame;
    EXPECT_FALSE(from.receive(frame, client::within(patience)));
    return frame;
  }

  std::shared_ptr<witness> sees = std::make_shared<witness>();
  testkit::live_server server;
};

TEST_F(AnsweredEarly, ItsWatcherHearsOfNoCancelAfterTheAnswer) {
  auto channel = begin(Kinds::taking::name, 0);
  wire::append_message(channel.output(), 1, {}, false);
  ASSERT_FALSE(channel.flush(client::within(patience)));
  while (!HasFailure() && !next(channel).end()) {
  }
  wire::append_status(channel.output(), 1, static_cast<int>(rpc::code::cancelled), {});
  // An end would come to the service before this call does.
  wire::append_open(channel.output(), 3, Kinds::unary::name, {}, true, 0, 0);
  ASSERT_FALSE(channel.flush(client::within(patience)));
  while (!HasFailure() && next(channel).call() != 3) {
  }
  EXPECT_TRUE(sees->ends().empty());
}

TEST_F(AnsweredEarly, ARefusedRequestSaysNothingBehindTheEnd) {
  auto channel = begin(Kinds::both::name, 10);
  wire::append_message(channel.output(), 1, {}, false);
  wire::append_message(channel.output(), 1, "\xff", false);
  wire::append_open(channel.output(), 3, Kinds::unary::name, {}, true, 0, 0);
  ASSERT_FALSE(channel.flush(client::within(patience)));
  std::size_t messages = 0;
  bool ended = false;
  for (int answered = 0; !HasFailure() && answered < 2;) {
    const auto frame = next(channel);
    answered += frame.call() == 3 || frame.end();
    if (frame.call() != 1) continue;
    EXPECT_FALSE(frame.has_status());
    EXPECT_FALSE(ended) << "a frame behind the end";
    messages += frame.has_message();
    ended = frame.end();
  }
  EXPECT_EQ(messages, 5u);
}

TEST(ThrowingAuthenticator, TakesNobodyElsesCallsWithIt) {
  testkit::live_server server{{.threads = 1}};
  server.add(Kinds::service<hasty>(std::make_shared<witness>()));
  server.broker().demand_authentication([](std::string_view token, const std::string&) -> rpc::result<std::string> {
    if (token == "throw") throw std::runtime_error("ordered to");
    return std::string(token);
  });
  const auto authenticate = [](testkit::frame_channel& on, std::uint64_t call, const std::string& token) {
    v1::AuthenticateRequest request;
    request.set_token(token);
    wire::append_open(on.output(), call, "switchboard.v1.Session/Authenticate", request.SerializeAsString(), true, 0,
                      0);
  };
  auto innocent = testkit::frame_channel::connect(server.endpoint(), client::within(patience)).value();
  authenticate(innocent, 1, "ann");
  ASSERT_FALSE(innocent.flush(client::within(patience)));
  v1::Frame frame;
  ASSERT_FALSE(innocent.receive(frame, client::within(patience)));

  auto guilty = testkit::frame_channel::connect(server.endpoint(), client::within(patience)).value();
  authenticate(guilty, 1, "bob");
  wire::append_open(guilty.output(), 3, Kinds::unary::name, {}, true, 0, 0);
  authenticate(guilty, 5, "throw");
  ASSERT_FALSE(guilty.flush(client::within(patience)));
  ASSERT_TRUE(testkit::eventually(
      [&] { return server.figures().value("switchboard_connections_closed_total", {"failed"}) == 1; }));

  wire::append_open(innocent.output(), 3, Kinds::unary::name, {}, true, 0, 0);
  ASSERT_FALSE(innocent.flush(client::within(patience)));
  ASSERT_FALSE(innocent.receive(frame, client::within(patience)));
  EXPECT_EQ(frame.call(), 3u);
  EXPECT_TRUE(frame.end());
}

}  // namespace
}  // namespace switchboard
