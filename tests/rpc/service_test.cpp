#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <switchboard/echo/v1/echo.pb.h>
#include <switchboard/rpc/service.hpp>

namespace switchboard::rpc {
namespace {

using echo::v1::RepeatRequest;
using echo::v1::SayReply;
using echo::v1::SayRequest;

struct complete {
  SayReply say(const SayRequest&) { return {}; }
  result<SayReply> say_or_fail(const SayRequest&) { return status{code::aborted, "no"}; }
  void say_later(SayRequest&, responder<SayReply>) {}
  void repeat(const RepeatRequest&, outbound<SayReply>) {}
  RepeatRequest wrong_reply(const SayRequest&) { return {}; }
  SayReply wrong_request(const RepeatRequest&) { return {}; }
  void say_streaming(const SayRequest&, outbound<SayReply>) {}
};

struct say : unary_method<SayRequest, SayReply> {
  static constexpr std::string_view name = "switchboard.echo.v1.Echo/Say";
};

constexpr auto echo_name = "switchboard.echo.v1.Echo";

TEST(ServiceDefinition, AcceptsWhatItsProtoSays) {
  const service_definition echo =
      service<complete>(echo_name).unary("Say", &complete::say).server_streaming("Repeat", &complete::repeat);
  EXPECT_EQ(echo.check(), "");
  EXPECT_EQ(echo.methods()[0].name, "switchboard.echo.v1.Echo/Say");
  EXPECT_EQ(echo.methods()[1].kind, method_kind::server_streaming);
}

TEST(ServiceDefinition, AcceptsEveryFormOfAUnaryHandler) {
  const service_definition later =
      service<complete>(echo_name).unary("Say", &complete::say_later).server_streaming("Repeat", &complete::repeat);
  EXPECT_EQ(later.check(), "");
  const service_definition or_fail =
      service<complete>(echo_name).unary("Say", &complete::say_or_fail).server_streaming("Repeat", &complete::repeat);
  EXPECT_EQ(or_fail.check(), "");
}

TEST(ServiceDefinition, TakesAnAnswerToBeShortUnlessItIsDeclared) {
  service_definition echo =
      service<complete>(echo_name).unary("Say", &complete::say).server_streaming("Repeat", &complete::repeat);
  const auto declared = std::move(echo).answer_bytes_max<say>(100'000);
  EXPECT_EQ(declared.methods()[0].answer_bytes_max, 100'000u);
  EXPECT_EQ(declared.methods()[1].answer_bytes_max, method::default_answer_bytes_max);
}

TEST(ServiceDefinition, NamesAMethodLeftOut) {
  const service_definition echo = service<complete>(echo_name).unary("Say", &complete::say);
  EXPECT_EQ(echo.check(), "switchboard.echo.v1.Echo/Repeat is not served");
}

TEST(ServiceDefinition, NamesAMethodServedTwice) {
  const service_definition echo = service<complete>(echo_name)
                                      .unary("Say", &complete::say)
                                      .unary("Say", &complete::say_later)
                                      .server_streaming("Repeat", &complete::repeat);
  EXPECT_EQ(echo.check(), "switchboard.echo.v1.Echo/Say is served twice");
}

TEST(ServiceDefinition, NamesAnUnknownServiceOrMethod) {
  const service_definition nowhere = service<complete>("no.Such");
  EXPECT_EQ(nowhere.check(), "no linked .proto has a service no.Such");
  const service_definition echo = service<complete>(echo_name).unary("Shout", &complete::say);
  EXPECT_EQ(echo.check(), "switchboard.echo.v1.Echo has no method Shout");
}

TEST(ServiceDefinition, NamesAWrongType) {
  const service_definition reply = service<complete>(echo_name).unary("Say", &complete::wrong_reply);
  EXPECT_EQ(reply.check(),
            "switchboard.echo.v1.Echo/Say returns switchboard.echo.v1.SayReply, not switchboard.echo.v1.RepeatRequest");
  const service_definition request = service<complete>(echo_name).unary("Say", &complete::wrong_request);
  EXPECT_EQ(request.check(),
            "switchboard.echo.v1.Echo/Say takes switchboard.echo.v1.SayRequest, not switchboard.echo.v1.RepeatRequest");
}

TEST(ServiceDefinition, NamesAWrongKind) {
  const service_definition echo = service<complete>(echo_name).server_streaming("Say", &complete::say_streaming);
  EXPECT_EQ(echo.check(), "switchboard.echo.v1.Echo/Say does not stream its replies");
}

/// Takes the payload out of each request it is given, and may call itself meanwhile.
struct taker {
  std::vector<std::string> seen{};
  std::function<void()> meanwhile{};

  SayReply say(SayRequest& request) {
    if (meanwhile) std::exchange(meanwhile, nullptr)();
    seen.push_back(std::move(*request.mutable_payload()));
    return {};
  }
  void repeat(const RepeatRequest&, outbound<SayReply>) {}
};

class Requests : public testing::Test {
protected:
  void call(const std::string& payload) {
    SayRequest request;
    request.set_payload(payload);
    const auto bytes = request.SerializeAsString();
    const auto& say = definition.methods()[0];
    incoming_call incoming{call_handle{call_context{here, 1, time_point::max(), &say}}, bytes, nullptr};
    say.handle(&service, incoming);
  }

  taker service;
  const service_definition definition =
      rpc::service<taker>(echo_name).unary("Say", &taker::say).server_streaming("Repeat", &taker::repeat);

private:
  struct unheard final : local_answer {
    void reply(google::protobuf::MessageLite&&) override {}
    void fail(const status&) override {}
  };
  const std::shared_ptr<const caller> here =
      std::make_shared<const caller>(caller{.local = std::make_shared<unheard>()});
};

TEST_F(Requests, HoldNothingOfTheOneBefore) {
  for (const auto* const payload : {"first", "", "third"}) call(payload);
  EXPECT_EQ(service.seen, (std::vector<std::string>{"first", "", "third"}));
}

TEST_F(Requests, OfCallsInsideOneAnotherAreApart) {
  service.meanwhile = [this] { call("inner"); };
  call("outer");
  EXPECT_EQ(service.seen, (std::vector<std::string>{"inner", "outer"}));
}

TEST_F(Requests, ThatAreLongAreNotKept) {
  const std::string text(detail::request_message<SayRequest>::reused_bytes_max + 1, 'x');
  call(text);
  call("short");
  EXPECT_EQ(service.seen, (std::vector<std::string>{text, "short"}));
}

TEST(StatusCode, HasItsNameInWords) {
  EXPECT_EQ(to_string(code::invalid_argument), "INVALID_ARGUMENT");
  EXPECT_EQ(to_string(static_cast<code>(99)), "code 99");
}

}  // namespace
}  // namespace switchboard::rpc
