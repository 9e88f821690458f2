// How many actors serve a service, chosen when it is added, and how long they live.

#include <caf/scoped_actor.hpp>
#include <gtest/gtest.h>

#include <switchboard/echo/v1/echo.client.hpp>
#include <switchboard/echo/v1/echo.switchboard.hpp>
#include <switchboard/rpc/caf_error.hpp>
#include <switchboard/rpc/service_actor.hpp>
#include <switchboard/testkit/eventually.hpp>
#include <switchboard/testkit/frame_channel.hpp>
#include <switchboard/testkit/live_server.hpp>
#include <switchboard/v1/frame.pb.h>

namespace switchboard {
namespace {

using namespace std::chrono_literals;
using echo::v1::Echo;
using echo::v1::RepeatRequest;
using echo::v1::SayReply;
using echo::v1::SayRequest;
constexpr auto patience = 20s;

struct population {
  std::atomic<int> alive{0};
  std::atomic<int> made{0};
};

/// Replies with the number of calls it has answered; ends on request.
class counted_echo {
public:
  counted_echo(rpc::service_actor* self, std::shared_ptr<population> among) : self_(self), among_(std::move(among)) {
    ++among_->alive;
    ++among_->made;
  }
  ~counted_echo() { --among_->alive; }

  rpc::result<SayReply> say(const SayRequest& request) {
    if (request.payload() == "die") {
      self_->quit(caf::exit_reason::kill);
      return rpc::status{rpc::code::aborted, "as told"};
    }
    SayReply reply;
    reply.set_payload(std::to_string(++answered_));
    return reply;
  }
  void repeat(const RepeatRequest&, rpc::outbound<SayReply> stream) { stream.finish(); }

private:
  rpc::service_actor* const self_;
  const std::shared_ptr<population> among_;
  int answered_ = 0;
};

class Hosting : public testing::Test {
protected:
  std::string say(client::channel& on, const std::string& payload) {
    SayRequest request;
    request.set_payload(payload);
    const auto reply = Echo::stub{on}.say(request, client::within(patience)).get();
    return reply ? reply->payload() : rpc::to_string(reply.status().code);
  }

  std::shared_ptr<population> among = std::make_shared<population>();
  testkit::live_server server;
};

TEST_F(Hosting, OneActorServesEverybodyUnlessToldOtherwise) {
  server.add(Echo::service<counted_echo>(among));
  auto first = server.connect();
  auto second = server.connect();
  EXPECT_EQ(say(first, "a"), "1");
  EXPECT_EQ(say(second, "b"), "2");
  EXPECT_EQ(among->made, 1);
}

TEST_F(Hosting, EachConnectionHasItsOwnActorUntilItEnds) {
  server.add(Echo::service<counted_echo>(among).per_connection());
  {
    auto first = server.connect();
    auto second = server.connect();
    EXPECT_EQ(say(first, ""), "1");
    EXPECT_EQ(say(first, ""), "2");
    EXPECT_EQ(say(second, ""), "1");
    EXPECT_EQ(among->alive, 2);
  }
  EXPECT_TRUE(testkit::eventually([&] { return among->alive == 0; }));
}

TEST_F(Hosting, EachKeyHasItsOwnActorWhoeverCalls) {
  server.add(rpc::service<counted_echo>("switchboard.echo.v1.Echo", among)
                 .unary("Say", &counted_echo::say)
                 .server_streaming("Repeat", &counted_echo::repeat)
                 .per_key("payload"));
  auto first = server.connect();
  auto second = server.connect();
  EXPECT_EQ(say(first, "a"), "1");
  EXPECT_EQ(say(second, "a"), "2");
  EXPECT_EQ(say(first, "b"), "1");
  EXPECT_EQ(say(first, ""), "1");
  EXPECT_EQ(among->alive, 3);
}

TEST_F(Hosting, AnActorThatDiesTakesOnlyItsOwnCallsAndIsMadeAnew) {
  server.add(Echo::service<counted_echo>(among).per_connection());
  auto first = server.connect();
  auto second = server.connect();
  EXPECT_EQ(say(second, ""), "1");
  EXPECT_EQ(say(first, "die"), "ABORTED");
  // Until the router has heard of it, calls find the dead one.
  EXPECT_TRUE(testkit::eventually([&] { return say(first, "") == "1"; }));
  EXPECT_EQ(say(second, ""), "2");
}

TEST_F(Hosting, OneActorTooManyIsRefused) {
  server.add(rpc::service_definition{Echo::service<counted_echo>(among)}.per_key("payload").at_most(2));
  auto connection = server.connect();
  EXPECT_EQ(say(connection, "a"), "1");
  EXPECT_EQ(say(connection, "b"), "1");
  EXPECT_EQ(say(connection, "c"), "RESOURCE_EXHAUSTED");
  EXPECT_EQ(say(connection, "a"), "2");
}

TEST_F(Hosting, ARequestThatDoesNotParseMakesNoActor) {
  server.add(Echo::service<counted_echo>(among).per_key("payload"));
  auto channel = testkit::frame_channel::connect(server.endpoint(), client::within(patience));
  ASSERT_TRUE(channel);
  v1::Frame call;
  call.set_call(1);
  call.set_method(std::string(Echo::say::name));
  call.set_message(
      "\x0a\x05"
      "cut");
  ASSERT_FALSE(channel->send(call, client::within(patience)));
  v1::Frame answer;
  ASSERT_FALSE(channel->receive(answer, client::within(patience)));
  EXPECT_EQ(answer.status().code(), static_cast<int>(rpc::code::invalid_argument));
  EXPECT_EQ(among->made, 0);
}

TEST_F(Hosting, ItsActorsEndWithTheServer) {
  server.add(Echo::service<counted_echo>(among).per_key("payload"));
  auto connection = server.connect();
  for (const auto* key : {"a", "b", "c"}) EXPECT_EQ(say(connection, key), "1");
  server.broker().stop();
  EXPECT_TRUE(testkit::eventually([&] { return among->alive == 0; }));
}

TEST_F(Hosting, AKeyThatRequestsDoNotHaveIsSaidAtTheStart) {
  EXPECT_EQ(server.broker().add(Echo::service<counted_echo>(among).per_key("times")),
            "switchboard.echo.v1.Echo/Say is to be hosted by times, which its request does not have");
}

// -- the same service for actors of this process --------------------------------------------------------------------

TEST_F(Hosting, ActorsOfThisProcessCallTheSameActor) {
  server.add(Echo::service<counted_echo>(among));
  auto connection = server.connect();
  EXPECT_EQ(say(connection, ""), "1");
  const auto service = server.broker().actor_of<Echo>();
  ASSERT_TRUE(testkit::eventually([&] { return server.broker().actor_of<Echo>() != nullptr; }));
  caf::scoped_actor self{server.system()};
  self->request(service, caf::infinite, Echo::say{}, SayRequest{})
      .receive([](const SayReply& reply) { EXPECT_EQ(reply.payload(), "2"); },
               [](const caf::error& failure) { ADD_FAILURE() << rpc::to_status(failure).message; });
}

TEST_F(Hosting, AStatusReachesActorsOfThisProcessAsAnError) {
  server.add(Echo::service<counted_echo>(among));
  auto connection = server.connect();
  EXPECT_EQ(say(connection, ""), "1");
  caf::scoped_actor self{server.system()};
  SayRequest request;
  request.set_payload("die");
  self->request(server.broker().actor_of<Echo>(), caf::infinite, Echo::say{}, request)
      .receive([](const SayReply&) { ADD_FAILURE() << "answered"; },
               [](const caf::error& failure) {
                 EXPECT_EQ(rpc::to_status(failure), (rpc::status{rpc::code::aborted, "as told"}));
               });
}

}  // namespace
}  // namespace switchboard
