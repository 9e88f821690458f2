// The services that every server has, as a connection answers them.

#include "connection_fixture.hpp"

namespace switchboard::actors {
namespace {

using namespace std::chrono_literals;
using Serving = v1::HealthReply::Serving;

class ConnectionBuiltIn : public ConnectionTest {
protected:
  static constexpr std::string_view ping = "switchboard.v1.Session/Ping";
  static constexpr std::string_view authenticate = "switchboard.v1.Session/Authenticate";
  static constexpr std::string_view check = "switchboard.v1.Health/Check";
  static constexpr std::string_view watch = "switchboard.v1.Health/Watch";

  static std::string open(std::uint64_t call, std::string_view method, const std::string& request = {},
                          std::uint32_t credit = 0, std::uint32_t timeout_ms = 0) {
    std::string out;
    wire::append_open(out, call, method, request, true, credit, timeout_ms);
    return out;
  }
  static std::string of_service(const std::string& service) {
    v1::HealthRequest request;
    request.set_service(service);
    return request.SerializeAsString();
  }
  static std::string holding(const std::string& token) {
    v1::AuthenticateRequest request;
    request.set_token(token);
    return request.SerializeAsString();
  }
  static Serving state_in(const v1::Frame& frame) {
    EXPECT_TRUE(frame.has_message());
    v1::HealthReply reply;
    EXPECT_TRUE(reply.ParseFromString(frame.message()));
    return reply.serving();
  }
  void demand_authentication() {
    environment->authenticate = [](std::string_view token, const std::string&) -> rpc::result<std::string> {
      if (token == "secret") return std::string{"ada"};
      return rpc::status{rpc::code::not_found, "nobody has this token"};
    };
  }
};

TEST_F(ConnectionBuiltIn, RefusesARequestThatDoesNotParse) {
  start();
  std::uint64_t call = 1;
  for (const auto method : {ping, authenticate, check, watch}) {
    receive(open(call, method, "\xFF"));
    EXPECT_EQ(code_of(sent_one()), rpc::code::invalid_argument) << method;
    call += 2;
  }
}

TEST_F(ConnectionBuiltIn, RefusesMetadataThatBreaksARule) {
  start();
  auto frame = open(1, ping);
  wire::add_metadata(frame, 0, std::string_view{"\x4a\x00", 2});
  receive(frame);
  EXPECT_EQ(code_of(sent_one()), rpc::code::invalid_argument);
}

// -- before authentication ------------------------------------------------------------------------------------------

TEST_F(ConnectionBuiltIn, AnswersHealthOfTheWholeServerBeforeAuthentication) {
  demand_authentication();
  start();
  receive(open(1, check) + open(3, watch, {}, 1));
  const auto frames = sent();
  ASSERT_EQ(frames.size(), 2u);
  for (const auto& frame : frames) EXPECT_EQ(state_in(frame), v1::HealthReply::SERVING);
}

TEST_F(ConnectionBuiltIn, AnswersNothingElseBeforeAuthentication) {
  demand_authentication();
  start();
  const auto named = of_service("switchboard.echo.v1.Echo");
  std::uint64_t call = 1;
  for (const auto& [method, request] : std::vector<std::pair<std::string_view, std::string>>{
           {check, named}, {watch, named}, {check, "\xFF"}, {ping, {}}, {say, {}}, {"no.Such/Method", {}}}) {
    receive(open(call, method, request, 1));
    EXPECT_EQ(code_of(sent_one()), rpc::code::unauthenticated) << method;
    call += 2;
  }
}

TEST_F(ConnectionBuiltIn, AuthenticatesTheHolderOfAToken) {
  demand_authentication();
  start();
  receive(open(1, authenticate, holding("guess")));
  EXPECT_EQ(code_of(sent_one()), rpc::code::unauthenticated);
  receive(open(3, authenticate, holding("secret")) + open_say(5, "a"));
  v1::AuthenticateReply reply;
  ASSERT_TRUE(reply.ParseFromString(sent_one().message()));
  EXPECT_EQ(reply.identity(), "ada");
  ASSERT_EQ(desk.said.size(), 1u);
  EXPECT_EQ(desk.said[0].context().identity(), "ada");
}

TEST_F(ConnectionBuiltIn, GivesAnEmptyIdentityWhereNoAuthenticationIsDemanded) {
  start();
  receive(open(1, authenticate, holding("any")));
  const auto frame = sent_one();
  EXPECT_TRUE(frame.end());
  EXPECT_EQ(frame.message(), "");
}

// -- Health/Watch ---------------------------------------------------------------------------------------------------

TEST_F(ConnectionBuiltIn, WatchTellsTheStateNowAndStaysOpen) {
  start();
  receive(open(1, watch, {}, 5) + open(3, watch, of_service("switchboard.echo.v1.Echo"), 5));
  const auto frames = sent();
  ASSERT_EQ(frames.size(), 2u);
  for (const auto& frame : frames) {
    EXPECT_EQ(state_in(frame), v1::HealthReply::SERVING);
    EXPECT_FALSE(frame.end());
  }
}

TEST_F(ConnectionBuiltIn, WatchOfAServiceThatIsNotServedSaysUnknownAndStaysOpen) {
  start();
  receive(open(1, watch, of_service("no.such.Service"), 5));
  const auto frame = sent_one();
  EXPECT_EQ(state_in(frame), v1::HealthReply::UNKNOWN);
  EXPECT_FALSE(frame.end());
  tell(begin_drain{});
  EXPECT_TRUE(sent().empty());
}

TEST_F(ConnectionBuiltIn, WatchWaitsForCredit) {
  start();
  receive(open(1, watch));
  EXPECT_TRUE(sent().empty());
  receive(credit(1, 1));
  EXPECT_EQ(state_in(sent_one()), v1::HealthReply::SERVING);
}

TEST_F(ConnectionBuiltIn, WatchWithoutCreditTellsOnlyTheNewestState) {
  start();
  receive(open(1, watch));
  tell(begin_drain{});
  receive(credit(1, 5));
  EXPECT_EQ(state_in(sent_one()), v1::HealthReply::NOT_SERVING);
}

TEST_F(ConnectionBuiltIn, WatchSaysNotServingWhenTheServerDrainsAndEndsWithTheDrain) {
  start();
  receive(open(1, watch, {}, 5) + open_say(3, "received before"));
  (void)sent();
  tell(begin_drain{});
  EXPECT_EQ(state_in(sent_one()), v1::HealthReply::NOT_SERVING);
  desk.said.front().reply(reply("done"));
  stage.settle();
  EXPECT_EQ(sent_one().call(), 3u);
  tell(finish_drain{});
  const auto last = sent_one();
  EXPECT_EQ(last.call(), 1u);
  EXPECT_EQ(code_of(last), rpc::code::unavailable);
}

TEST_F(ConnectionBuiltIn, WatchEndsWithTheDrainThoughItHasNoCredit) {
  start();
  receive(open(1, watch));
  tell(begin_drain{});
  tell(finish_drain{});
  EXPECT_EQ(code_of(sent_one()), rpc::code::unavailable);
}

TEST_F(ConnectionBuiltIn, WatchIsTakenWhileTheServerDrains) {
  start();
  receive(open_say(1, "holds the drain up"));
  tell(begin_drain{});
  receive(open(3, watch, {}, 5));
  EXPECT_EQ(state_in(sent_one()), v1::HealthReply::NOT_SERVING);
  tell(finish_drain{});
  for (const auto& frame : sent()) EXPECT_EQ(code_of(frame), rpc::code::unavailable);
}

TEST_F(ConnectionBuiltIn, WatchDoesNotHoldUpTheDrain) {
  start();
  receive(open(1, watch, {}, 5));
  tell(begin_drain{});
  EXPECT_EQ(broker.drained, 1u);
}

TEST_F(ConnectionBuiltIn, WatchCountsAsAnOpenCallAndTheOthersDoNot) {
  start({.open_calls_max = 1});
  receive(open(1, watch, {}, 1));
  (void)sent();
  receive(open_say(3, "one too many"));
  EXPECT_EQ(code_of(sent_one()), rpc::code::resource_exhausted);
  receive(open(5, watch, {}, 1));
  EXPECT_EQ(code_of(sent_one()), rpc::code::resource_exhausted);
  receive(open(7, check) + open(9, ping));
  for (const auto& frame : sent()) EXPECT_FALSE(frame.has_status());
  receive(status(1, rpc::code::cancelled) + open_say(11, "a place again"));
  EXPECT_EQ(desk.said.size(), 1u);
}

TEST_F(ConnectionBuiltIn, WatchEndsAtItsDeadline) {
  start();
  receive(open(1, watch, {}, 1, 500));
  (void)sent();
  stage.advance(501ms);
  EXPECT_EQ(code_of(sent_one()), rpc::code::deadline_exceeded);
}

TEST_F(ConnectionBuiltIn, WatchEndsSilentlyAtTheClientsEndOfStream) {
  start();
  receive(open(1, watch, {}, 1));
  (void)sent();
  receive_end();
  EXPECT_TRUE(sent().empty());
  EXPECT_EQ(broker.closed, std::vector{close_reason::end_of_stream});
}

TEST_F(ConnectionBuiltIn, InterceptorsSeeNoneOfIt) {
  struct counting : rpc::interceptor {
    rpc::status opened(const rpc::call_context&) override { return ++calls, rpc::status{}; }
    void ending(const rpc::call_context&, rpc::code, rpc::metadata&) override { ++calls; }
    void ended(const rpc::call_context&, rpc::code, std::chrono::nanoseconds) override { ++calls; }
    int calls = 0;
  };
  const auto counts = std::make_shared<counting>();
  environment->interceptors.push_back(counts);
  start();
  receive(open(1, watch, {}, 1) + open(3, ping) + open(5, watch, {}, 1));
  receive(status(1, rpc::code::cancelled));
  tell(begin_drain{});
  tell(finish_drain{});
  EXPECT_EQ(counts->calls, 0);
}

}  // namespace
}  // namespace switchboard::actors
