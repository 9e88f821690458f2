// What runs around calls, and who may call at all.

#include "echo_service.hpp"

#include <mutex>

#include <gtest/gtest.h>

#include <switchboard/echo/v1/echo.switchboard.hpp>
#include <switchboard/testkit/eventually.hpp>
#include <switchboard/testkit/live_server.hpp>
#include <switchboard/v1/services.pb.h>

namespace switchboard {
namespace {

using namespace std::chrono_literals;
using echo::v1::Echo;
using echo::v1::SayReply;
using words = std::vector<std::string>;
constexpr auto patience = 20s;

/// Records what it is called with; refuses payloads by a rule of the test's.
class recorder : public rpc::interceptor {
public:
  explicit recorder(std::string name, rpc::status verdict = {})
      : name_(std::move(name)), verdict_(std::move(verdict)) {}

  rpc::status opened(const rpc::call_context& call) override {
    note(name_ + " opened " + call.method().name + " for " + (call.identity().empty() ? "nobody" : call.identity()));
    return verdict_;
  }
  void ended(const rpc::call_context& call, rpc::code how, std::chrono::nanoseconds took) override {
    EXPECT_GE(took.count(), 0);
    note(name_ + " ended " + call.method().name + " " + rpc::to_string(how));
  }
  words notes() {
    const std::lock_guard lock{mutex_};
    return notes_;
  }

private:
  void note(std::string what) {
    const std::lock_guard lock{mutex_};
    notes_.push_back(std::move(what));
  }

  const std::string name_;
  const rpc::status verdict_;
  std::mutex mutex_;
  words notes_;
};

class Around : public testing::Test {
protected:
  Around() { server.add(moody_echo_service()); }
  rpc::status say(client::channel& on, const std::string& payload) {
    SayReply reply;
    return on.call(say_method.name, say_request(payload), reply, client::within(patience));
  }

  testkit::live_server server;
};

TEST_F(Around, AnInterceptorSeesEachCallOpenAndEnd) {
  const auto sees = std::make_shared<recorder>("it");
  server.broker().intercept(sees);
  auto connection = server.connect();
  EXPECT_TRUE(say(connection, "hi").ok());
  EXPECT_EQ(say(connection, "throw").code, rpc::code::internal);
  EXPECT_EQ(
      sees->notes(),
      (words{"it opened switchboard.echo.v1.Echo/Say for nobody", "it ended switchboard.echo.v1.Echo/Say OK",
             "it opened switchboard.echo.v1.Echo/Say for nobody", "it ended switchboard.echo.v1.Echo/Say INTERNAL"}));
}

TEST_F(Around, AnInterceptorHearsOfACancelledCall) {
  const auto sees = std::make_shared<recorder>("it");
  server.broker().intercept(sees);
  auto connection = server.connect();
  connection.open(say_method, say_request("hold")).cancel();
  ASSERT_TRUE(connection.flush(client::within(patience)));
  EXPECT_TRUE(testkit::eventually([&] {
    return !sees->notes().empty() && sees->notes().back() == "it ended switchboard.echo.v1.Echo/Say CANCELLED";
  }));
}

TEST_F(Around, ARefusalKeepsTheCallFromItsServiceAndEndsItForThoseBefore) {
  const auto before = std::make_shared<recorder>("before");
  const auto refusing = std::make_shared<recorder>("refusing", rpc::status{rpc::code::permission_denied, "not today"});
  const auto behind = std::make_shared<recorder>("behind");
  for (const auto& each : {before, refusing, behind}) server.broker().intercept(each);
  auto connection = server.connect();
  EXPECT_EQ(say(connection, "hi"), (rpc::status{rpc::code::permission_denied, "not today"}));
  EXPECT_EQ(before->notes().back(), "before ended switchboard.echo.v1.Echo/Say PERMISSION_DENIED");
  EXPECT_EQ(refusing->notes().size(), 1u);
  EXPECT_TRUE(behind->notes().empty());
}

class Authentication : public Around {
protected:
  Authentication() {
    server.broker().demand_authentication([](std::string_view token, const std::string&) -> rpc::result<std::string> {
      if (token == "secret") return std::string{"ada"};
      return rpc::status{rpc::code::unauthenticated, "nobody has this token"};
    });
  }
  rpc::status authenticate(client::channel& on, const std::string& token, v1::AuthenticateReply& reply) {
    v1::AuthenticateRequest request;
    request.set_token(token);
    return on.call("switchboard.v1.Session/Authenticate", request, reply, client::within(patience));
  }
};

TEST_F(Authentication, IsNeededBeforeAnyOtherCall) {
  auto connection = server.connect();
  EXPECT_EQ(say(connection, "hi").code, rpc::code::unauthenticated);
  v1::PingReply pong;
  EXPECT_EQ(connection.call("switchboard.v1.Session/Ping", v1::PingRequest{}, pong, client::within(patience)).code,
            rpc::code::unauthenticated);
}

TEST_F(Authentication, LetsTheHolderOfATokenIn) {
  const auto sees = std::make_shared<recorder>("it");
  server.broker().intercept(sees);
  auto connection = server.connect();
  v1::AuthenticateReply reply;
  ASSERT_TRUE(authenticate(connection, "secret", reply).ok());
  EXPECT_EQ(reply.identity(), "ada");
  EXPECT_TRUE(say(connection, "hi").ok());
  EXPECT_EQ(sees->notes().front(), "it opened switchboard.echo.v1.Echo/Say for ada");
}

TEST_F(Authentication, TellsWhyATokenIsRefusedAndLetsTryAgain) {
  auto connection = server.connect();
  v1::AuthenticateReply reply;
  EXPECT_EQ(authenticate(connection, "guess", reply),
            (rpc::status{rpc::code::unauthenticated, "nobody has this token"}));
  EXPECT_EQ(say(connection, "hi").code, rpc::code::unauthenticated);
  EXPECT_TRUE(authenticate(connection, "secret", reply).ok());
}

TEST_F(Authentication, IsForOneConnection) {
  auto first = server.connect();
  v1::AuthenticateReply reply;
  ASSERT_TRUE(authenticate(first, "secret", reply).ok());
  auto second = server.connect();
  EXPECT_EQ(say(second, "hi").code, rpc::code::unauthenticated);
}

}  // namespace
}  // namespace switchboard
