// Which of a service's actors gets a batch of calls, and what of it arrives there.

#include <map>

#include <caf/actor_cast.hpp>
#include <caf/send.hpp>
#include <gtest/gtest.h>

#include <switchboard/actors/service_host.hpp>
#include <switchboard/actors/service_router.hpp>
#include <switchboard/echo/v1/echo.pb.h>
#include <switchboard/rpc/allowance.hpp>
#include <switchboard/testkit/acting.hpp>
#include <switchboard/testkit/stage.hpp>

namespace switchboard::actors {
namespace {

using echo::v1::SayReply;
using echo::v1::SayRequest;

class ServiceRouter : public testing::Test {
protected:
  /// An actor's object, which the definition makes; its address is unlike any other.
  struct served {};

  ServiceRouter() {
    rpc::service_definition definition{"switchboard.echo.v1.Echo",
                                       [this](rpc::service_actor*) {
                                         ++made;
                                         return std::make_shared<served>();
                                       },
                                       [](void*, caf::message_handler&) {}};
    definition.add(
        rpc::method{"switchboard.echo.v1.Echo/Say", rpc::method_kind::unary, &SayRequest::default_instance(),
                    &SayReply::default_instance(), [this](void* self, rpc::incoming_call& call) {
                      stage.port().advance(time_for_a_call);
                      bytes.push_back(call.request.data());
                      by_actor[self].push_back(call.handle.context().number());
                      heard.push_back("call " + std::to_string(call.handle.context().number()));
                      SayRequest request;
                      if (!request.ParseFromArray(call.request.data(), static_cast<int>(call.request.size())))
                        return rpc::refuse_malformed(call.handle, request);
                      call.handle.fail(rpc::code::aborted, "as always");
                    }});
    definition_ =
        std::make_shared<const rpc::service_definition>(std::move(definition).per_key("payload").at_most(actors_max));
    router_ = stage.system().spawn<service_router>(stage.pump(), definition_);
    connection_ = testkit::spawn_acting(stage.system(), {[this](rpc::answers& answers) {
                                          for (const auto& each : answers.ends) codes[each.call] = each.how;
                                        }});
    watcher_ = testkit::spawn_acting(stage.system(), {[this](const rpc::call_ended& ended) {
                                       heard.push_back("end of " + std::to_string(ended.call));
                                     }});
  }
  ~ServiceRouter() override {
    for (const auto& each : {router_, connection_, watcher_})
      caf::anon_send_exit(each, caf::exit_reason::user_shutdown);
    stage.settle();
  }

  static std::string say(const std::string& payload) {
    SayRequest request;
    request.set_payload(payload);
    return request.SerializeAsString();
  }
  rpc::call_batch batch(const std::string& key) const {
    return rpc::call_batch{caller_of_connection(), std::make_shared<const std::string>(key)};
  }
  void add(rpc::call_batch& to, std::uint64_t call, std::string_view request) const {
    to.add(call, definition_->methods().front(), request, rpc::time_point::max());
  }
  void add_end(rpc::call_batch& to, std::uint64_t call) const {
    to.add_end({caf::actor_cast<caf::strong_actor_ptr>(watcher_), {1, call}});
  }
  void send(rpc::call_batch batch) {
    caf::anon_send(router_, rpc::calls{std::move(batch)});
    stage.settle();
  }
  void send_call(std::uint64_t call, const std::string& key) {
    auto calls = batch(key);
    add(calls, call, say(key));
    send(std::move(calls));
  }

  static constexpr std::size_t actors_max = 2;
  testkit::stage stage;
  int made = 0;
  std::chrono::microseconds time_for_a_call{0};
  std::vector<const char*> bytes;                        ///< where each request was when it was handled
  std::map<void*, std::vector<std::uint64_t>> by_actor;  ///< calls
  std::vector<std::string> heard;                        ///< by the service and the watcher
  std::map<std::uint64_t, rpc::code> codes;

private:
  std::shared_ptr<const rpc::caller> caller_of_connection() const {
    return std::make_shared<const rpc::caller>(rpc::caller{1,
                                                           caf::actor_cast<caf::strong_actor_ptr>(connection_),
                                                           "test",
                                                           {},
                                                           1 << 20,
                                                           std::make_shared<rpc::allowance>(1 << 20)});
  }

  std::shared_ptr<const rpc::service_definition> definition_;
  caf::actor router_;
  caf::actor connection_;
  caf::actor watcher_;
};

TEST_F(ServiceRouter, HandsOnTheBytesOfRequestsWhereTheyAre) {
  const std::string key(1000, 'k');
  auto calls = batch(key);
  add(calls, 1, say(key));
  add(calls, 3, say(key));
  const auto* const first = calls.next_request().data();
  const auto size = calls.next_request().size();
  send(std::move(calls));
  EXPECT_EQ(bytes, (std::vector<const char*>{first, first + size}));
}

TEST_F(ServiceRouter, GivesEachKeyAnActorThatItKeeps) {
  send_call(1, "a");
  send_call(3, "b");
  send_call(5, "a");
  EXPECT_EQ(made, 2);
  ASSERT_EQ(by_actor.size(), 2u);
  const auto& one = by_actor.begin()->second;
  const auto& other = std::next(by_actor.begin())->second;
  EXPECT_EQ(one.size() == 2 ? one : other, (std::vector<std::uint64_t>{1, 5}));
}

TEST_F(ServiceRouter, RefusesTheCallsOfOneActorTooMany) {
  send_call(1, "a");
  send_call(3, "b");
  send_call(5, "c");
  EXPECT_EQ(made, 2);
  EXPECT_EQ(codes[5], rpc::code::resource_exhausted);
}

TEST_F(ServiceRouter, MakesNoActorForRequestsThatAreNoMessages) {
  auto calls = batch("");
  add(calls, 1,
      "\x0a\x05"
      "cut");
  send(std::move(calls));
  EXPECT_EQ(made, 0);
  EXPECT_EQ(codes[1], rpc::code::invalid_argument);
}

TEST_F(ServiceRouter, MakesAnActorForTheFirstRequestThatIsAMessage) {
  auto calls = batch("");
  add(calls, 1,
      "\x0a\x05"
      "cut");
  add(calls, 3, say(""));
  send(std::move(calls));
  EXPECT_EQ(made, 1);
  EXPECT_EQ(codes[1], rpc::code::invalid_argument);
  EXPECT_EQ(codes[3], rpc::code::aborted);
}

TEST_F(ServiceRouter, TellsOfAnEndAfterTheCallsOfItsKeyThatAreHeldBack) {
  time_for_a_call = service_host::time_slice;
  auto calls = batch("a");
  for (std::uint64_t call = 3; call <= 41; call += 2) add(calls, call, say("a"));
  add_end(calls, 1);
  send(std::move(calls));
  ASSERT_EQ(heard.size(), 21u);
  EXPECT_EQ(heard.back(), "end of 1");
}

TEST_F(ServiceRouter, TellsOfAnEndWhoseActorIsGone) {
  auto calls = batch("a");
  add_end(calls, 1);
  send(std::move(calls));
  EXPECT_EQ(heard, std::vector<std::string>{"end of 1"});
  EXPECT_EQ(made, 0);
}

}  // namespace
}  // namespace switchboard::actors
