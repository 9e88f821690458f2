// Metadata from a client to a handler and back, and on to the servers that are called on a call's behalf.

#include <future>

#include <caf/scoped_actor.hpp>
#include <gtest/gtest.h>

#include <switchboard/client/actor_stub.hpp>
#include <switchboard/echo/v1/echo.client.hpp>
#include <switchboard/echo/v1/echo.switchboard.hpp>
#include <switchboard/rpc/delegate.hpp>
#include <switchboard/rpc/service_actor.hpp>
#include <switchboard/summer/v1/summer.client.hpp>
#include <switchboard/summer/v1/summer.switchboard.hpp>
#include <switchboard/testkit/chosen_network.hpp>
#include <switchboard/testkit/live_server.hpp>

namespace switchboard {
namespace {

using namespace std::chrono_literals;
using echo::v1::Echo;
using echo::v1::RepeatRequest;
using echo::v1::SayReply;
using echo::v1::SayRequest;
using summer::v1::Summer;
using pairs = std::vector<std::pair<std::string, std::string>>;
constexpr auto patience = 20s;

pairs listed(const rpc::metadata& of) {
  pairs all;
  for (const auto& each : of) all.emplace_back(each.key, each.value);
  return all;
}

SayRequest say(const std::string& payload) {
  SayRequest request;
  request.set_payload(payload);
  return request;
}

/// Sends a request's metadata back with the end of its call; a payload of "fail" fails it.
struct mirror {
  void say(const SayRequest& request, rpc::responder<SayReply> call, const rpc::metadata& metadata) {
    if (request.payload() == "fail") return call.fail({rpc::code::aborted, "asked to", metadata});
    call.reply(SayReply{}, metadata);
  }
  void repeat(const RepeatRequest&, rpc::outbound<SayReply> stream, const rpc::metadata& metadata) {
    stream.send(SayReply{});
    stream.finish(metadata);
  }
};

/// Has the server at an address answer Say, and reads no metadata itself.
struct forwarder {
  forwarder(rpc::service_actor* actor, const net::endpoint& to)
      : self(actor),
        next(client::connect<Echo>(actor->system(), actor->pump(), to, {.network = &testkit::chosen_network()})) {}

  void say(const SayRequest& request, rpc::responder<SayReply> call) {
    call.delegate(self, next, Echo::say{}, request);
  }
  void repeat(const RepeatRequest& request, rpc::outbound<SayReply> stream) {
    self->send(next, Echo::repeat{}, request, rpc::passed<rpc::outbound<SayReply>>{std::move(stream)});
  }

  rpc::service_actor* const self;
  const Echo::actor next;
};

/// Has it answer for each number of a stream, and for its end.
struct forwarding_summer : forwarder {
  using forwarder::forwarder;

  void sum(rpc::inbound<summer::v1::Number> numbers, rpc::responder<summer::v1::Total> call) {
    const auto held = std::make_shared<rpc::responder<summer::v1::Total>>(std::move(call));
    numbers.receive([this](summer::v1::Number&) { self->send(next, Echo::say{}, SayRequest{}); },
                    [this, held](const rpc::status&) {
                      self->request(next, caf::infinite, Echo::say{}, SayRequest{}).then([held](const SayReply&) {
                        held->reply({});
                      });
                    });
  }
};

/// Keeps the metadata of all calls.
class recording : public rpc::interceptor {
public:
  rpc::status opened(const rpc::call_context& call) override {
    const std::lock_guard lock{mutex_};
    seen_.push_back(listed(call.metadata()));
    return {};
  }
  std::vector<pairs> seen() {
    const std::lock_guard lock{mutex_};
    return seen_;
  }

private:
  std::mutex mutex_;
  std::vector<pairs> seen_;
};

const rpc::metadata sent{{"b", "1"}, {"traceparent", "00-aa-bb-01"}, {"b", "\xff"}, {"tracestate", "vendor=1"}};
const pairs trace_context{{"traceparent", "00-aa-bb-01"}, {"tracestate", "vendor=1"}};

class Mirrored : public testing::Test {
protected:
  Mirrored() { server.add(Echo::service<mirror>()); }
  testkit::live_server server;
};

TEST_F(Mirrored, MetadataComesBackWithAReply) {
  auto connection = server.connect();
  auto pending = Echo::stub{connection}.say(say("hi"), client::within(patience), sent);
  const auto reply = pending.get();
  EXPECT_TRUE(reply.ok()) << reply.status().message;
  EXPECT_EQ(listed(pending.trailing()), listed(sent));
}

TEST_F(Mirrored, MetadataComesBackWithAFailure) {
  auto connection = server.connect();
  const auto reply = Echo::stub{connection}.say(say("fail"), client::within(patience), sent).get();
  EXPECT_EQ(reply.status(), (rpc::status{rpc::code::aborted, "asked to", sent}));
}

TEST_F(Mirrored, MetadataComesBackWithTheEndOfAStream) {
  auto connection = server.connect();
  auto replies = Echo::stub{connection}.repeat(RepeatRequest{}, {.metadata = sent});
  SayReply reply;
  EXPECT_TRUE(replies.next(reply, client::within(patience)).has_message());
  EXPECT_TRUE(replies.next(reply, client::within(patience)).ended());
  EXPECT_EQ(replies.status(), (rpc::status{rpc::code::ok, {}, sent}));
}

TEST_F(Mirrored, MetadataBeyondTheLimitsIsRefusedByTheServer) {
  auto connection = server.connect();
  const auto reply = Echo::stub{connection}.say(say("hi"), client::within(patience), {{"switchboard-key", "v"}}).get();
  EXPECT_EQ(reply.status().code, rpc::code::invalid_argument);
}

TEST_F(Mirrored, AnActorsCallCarriesWhatAScopeSays) {
  const auto stub =
      client::connect<Echo>(server.system(), server.pump(), server.endpoint(), {.network = &testkit::chosen_network()});
  caf::scoped_actor self{server.system()};
  const rpc::metadata_scope carrying{sent};
  self->request(stub, caf::infinite, Echo::say{}, say("fail"))
      .receive([](const SayReply&) { ADD_FAILURE() << "answered"; },
               [](const caf::error& failure) {
                 EXPECT_EQ(rpc::to_status(failure), (rpc::status{rpc::code::aborted, "asked to", sent}));
               });
}

/// Two servers, of which the first has the second answer.
class OnBehalf : public testing::Test {
protected:
  OnBehalf() {
    second.broker().intercept(seen);
    second.add(Echo::service<mirror>());
    first.add(Echo::service<forwarder>(second.endpoint()));
    first.add(Summer::service<forwarding_summer>(second.endpoint()));
  }

  const std::shared_ptr<recording> seen = std::make_shared<recording>();
  testkit::live_server second;
  testkit::live_server first;
};

TEST_F(OnBehalf, ACallCarriesTheTraceContextOnAndNothingElse) {
  auto connection = first.connect();
  EXPECT_TRUE(Echo::stub{connection}.say(say("hi"), client::within(patience), sent).get());
  EXPECT_TRUE(Echo::stub{connection}.say(say("hi"), client::within(patience)).get());
  EXPECT_EQ(seen->seen(), (std::vector<pairs>{trace_context, {}}));
}

TEST_F(OnBehalf, AStreamCarriesItOnAndItsEndComesBack) {
  auto connection = first.connect();
  auto replies = Echo::stub{connection}.repeat(RepeatRequest{}, {.metadata = sent});
  for (const auto& each : replies.within(patience)) (void)each;
  EXPECT_TRUE(replies.status().ok()) << replies.status().message;
  EXPECT_EQ(seen->seen(), std::vector<pairs>{trace_context});
  EXPECT_EQ(listed(replies.status().trailing), trace_context);
}

TEST_F(OnBehalf, ACallMadeByAReaderOfRequestsCarriesItOn) {
  auto connection = first.connect();
  auto numbers = Summer::stub{connection}.sum({.metadata = sent});
  EXPECT_TRUE(numbers.send({}, client::within(patience)).ok());
  EXPECT_TRUE(numbers.finish(client::within(patience)));
  EXPECT_EQ(seen->seen(), (std::vector<pairs>{trace_context, trace_context}));
}

}  // namespace
}  // namespace switchboard
