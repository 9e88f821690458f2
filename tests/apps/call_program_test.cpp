#include "remote_schema.hpp"
#include "shell.hpp"

#include <counter/counter_service.hpp>
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>
#include <summer/summer_service.hpp>
#include <ticker/ticker_service.hpp>

#include <switchboard/echo/v1/echo.switchboard.hpp>
#include <switchboard/testkit/live_server.hpp>

namespace switchboard {
namespace {

using namespace std::chrono_literals;
using words = std::vector<std::string>;

struct plain_echo {
  /// Metadata comes back with the reply.
  void say(const echo::v1::SayRequest& request, rpc::responder<echo::v1::SayReply> call,
           const rpc::metadata& metadata) {
    if (request.payload() == "retitle") return call.fail(rpc::code::aborted, "\033]0;mine\007 now");
    echo::v1::SayReply reply;
    reply.set_payload(request.payload());
    call.reply(reply, metadata);
  }
  void repeat(const echo::v1::RepeatRequest& request, rpc::outbound<echo::v1::SayReply> replies) {
    replies.generate([payload = request.payload(), left = request.times()](echo::v1::SayReply& reply) mutable {
      reply.set_payload(payload);
      return left-- > 0;
    });
  }
};

/// switchboard-call as scripts run it, against a server in this process.
class CallProgram : public testing::Test {
protected:
  CallProgram() {
    server_.add(echo::v1::Echo::service<plain_echo>());
    server_.add(counter::definition());
    server_.add(summer::v1::Summer::service<summer::summer_service>());
    server_.add(ticker::v1::Ticker::service<ticker::ticker_service>(1ms));
    program_ = std::string(SWITCHBOARD_CALL) + " " + server_.endpoint().to_string() + " ";
  }
  outcome run(const std::string& arguments) { return run_shell(program_ + arguments + " 2>&1"); }
  outcome run(const std::string& arguments, const std::string& input) {
    return run_shell("printf '" + input + "' | " + program_ + arguments + " 2>&1");
  }

  testkit::live_server server_;
  std::string program_;
};

TEST_F(CallProgram, ListsServicesWithTheBuiltInOnes) {
  EXPECT_EQ(run("list").lines(),
            (words{"switchboard.counter.v1.Counter", "switchboard.echo.v1.Echo", "switchboard.summer.v1.Summer",
                   "switchboard.ticker.v1.Ticker", "switchboard.v1.Health", "switchboard.v1.Reflection",
                   "switchboard.v1.Session"}));
}

TEST_F(CallProgram, DescribesAServiceWithItsMessages) {
  const auto said = run("describe Summer");
  EXPECT_EQ(said.status, 0);
  EXPECT_NE(said.output.find("rpc Sum(stream .switchboard.summer.v1.Number)"), std::string::npos) << said.output;
  EXPECT_NE(said.output.find("message Total {\n  int64 sum = 1;"), std::string::npos) << said.output;
}

TEST_F(CallProgram, CallsAUnaryMethod) {
  EXPECT_EQ(run(R"(call Echo/Say '{"payload": "aGk="}')").lines(), words{R"({"payload":"aGk="})"});
}

TEST_F(CallProgram, PrintsAStatusWithoutTheEscapeSequencesThatAServerPutsInIt) {
  EXPECT_EQ(run(R"(call Echo/Say '{"payload": "cmV0aXRsZQ=="}')").lines(), words{"ABORTED: ]0;mine now"});
}

TEST(RemoteSchema, PrintsAChainOfMessagesHoweverLong) {
  constexpr int length = 20'000;
  google::protobuf::FileDescriptorProto file;
  file.set_name("chain.proto");
  for (int i = 0; i < length; ++i) {
    auto& link = *file.add_message_type();
    link.set_name("M" + std::to_string(i));
    auto& field = *link.add_field();
    field.set_name("next");
    field.set_number(1);
    field.set_label(google::protobuf::FieldDescriptorProto::LABEL_OPTIONAL);
    field.set_type(google::protobuf::FieldDescriptorProto::TYPE_MESSAGE);
    field.set_type_name("M" + std::to_string(std::min(i + 1, length - 1)));
  }
  auto& service = *file.add_service();
  service.set_name("Chain");
  auto& method = *service.add_method();
  method.set_name("Follow");
  method.set_input_type("M0");
  method.set_output_type("M0");
  google::protobuf::DescriptorPool pool;
  const auto* const built = pool.BuildFile(file);
  ASSERT_TRUE(built);
  const auto text = call::to_proto(*built->service(0));
  EXPECT_NE(text.find("message M0 {"), std::string::npos);
  EXPECT_NE(text.find("message M" + std::to_string(length - 1) + " {"), std::string::npos);
}

TEST_F(CallProgram, TakesTheEmptyRequestWhereNoneIsGiven) {
  EXPECT_EQ(run("call switchboard.echo.v1.Echo/Say").lines(), words{"{}"});
}

TEST_F(CallProgram, ReadsTheRequestFromStandardInput) {
  EXPECT_EQ(run("call Counter/Add -", R"({"name": "x",\n "amount": 3})").lines(), words{R"({"value":"3"})"});
}

TEST_F(CallProgram, PrintsEachReplyOfAStreamOnALine) {
  EXPECT_EQ(run(R"(call Echo/Repeat '{"times": 150}' --window 4)").lines(), words(150, "{}"));
}

TEST_F(CallProgram, SendsMetadataAndPrintsWhatComesWithTheAnswer) {
  EXPECT_EQ(run("call Echo/Say --metadata a:1 --metadata 'b:x:y z' --verbose").lines(),
            (words{"{}", "a: 1", "b: x:y z"}));
  EXPECT_EQ(run("call Echo/Say --metadata a:1").lines(), words{"{}"});
}

TEST_F(CallProgram, PrintsNoBytesOfMetadataThatATerminalTakesForOrders) {
  EXPECT_EQ(run("call Echo/Say --metadata \"a:$(printf '\\033[2J\\\\')\" --verbose").lines(),
            (words{"{}", R"(a: \x1b[2J\x5c)"}));
}

TEST_F(CallProgram, RefusesMetadataThatNoRequestMayCarry) {
  for (const auto* bad : {"no-colon", "Key:v", ":v"})
    EXPECT_EQ(run(std::string("call Echo/Say --metadata ") + bad).status, 2) << bad;
}

TEST_F(CallProgram, StreamsLinesOfStandardInput) {
  EXPECT_EQ(run("call Summer/Sum", R"({"value": 1}\n\n{"value": 2}\n{"value": 39})").lines(),
            words{R"({"sum":"42","count":"3"})"});
}

TEST_F(CallProgram, StopsAtItsLimit) {
  const auto said = run("call Ticker/Watch --limit 3");
  EXPECT_EQ(said.status, 0);
  EXPECT_EQ(said.lines().size(), 3u);
}

TEST_F(CallProgram, EndsWithOneWhereTheCallFails) {
  const auto said = run("call Summer/Sum", R"({"value": "9223372036854775807"}\n{"value": 1}\n)");
  EXPECT_EQ(said.status, 1);
  EXPECT_EQ(said.lines(), words{"OUT_OF_RANGE: the sum does not fit after 2 numbers"});
}

TEST_F(CallProgram, GivesUpAtItsTimeout) {
  const auto said = run("call Ticker/Watch --timeout 0.05");
  EXPECT_EQ(said.status, 1);
  EXPECT_NE(said.lines().back().find("DEADLINE_EXCEEDED"), std::string::npos) << said.output;
}

TEST_F(CallProgram, SaysWhatIsWrongWithTheRequest) {
  const auto said = run(R"(call Summer/Sum)", R"({"worth": 1}\n)");
  EXPECT_EQ(said.status, 1);
  EXPECT_NE(said.output.find("INVALID_ARGUMENT: not a switchboard.summer.v1.Number: worth"), std::string::npos)
      << said.output;
}

TEST_F(CallProgram, SaysWhatTheServerDoesNotHave) {
  EXPECT_EQ(run("call Echo/Shout").lines(), words{"NOT_FOUND: switchboard.echo.v1.Echo has no method Shout"});
  EXPECT_EQ(run("describe Nothing").lines(), words{"NOT_FOUND: the server has no service Nothing"});
}

TEST_F(CallProgram, EndsWithTwoForBadUsage) {
  EXPECT_EQ(run("").status, 2);
  EXPECT_EQ(run("call Summer/Sum '{}'").status, 2);
}

TEST_F(CallProgram, EndsWithThreeWhereNobodyListens) {
  const auto address = server_.endpoint().to_string();
  server_.stop();
  EXPECT_EQ(run_shell(std::string(SWITCHBOARD_CALL) + " " + address + " list 2>&1").status, 3);
}

TEST_F(CallProgram, CancelsItsCallAtControlC) {
  // The signal comes once it has printed, so that there is a call to cancel.
  const auto said = run_shell("d=$(mktemp -d); mkfifo $d/out; " + program_ + "call Ticker/Watch >$d/out 2>&1 & p=$!; " +
                              "{ read -r line; kill -INT $p; cat; } <$d/out; rm -r $d");
  EXPECT_NE(said.output.find("CANCELLED: interrupted"), std::string::npos) << said.output;
}

}  // namespace
}  // namespace switchboard
