// What calls keep of their requests' metadata, and what calls made on their behalf inherit.

#include <gtest/gtest.h>

#include <switchboard/echo/v1/echo.pb.h>
#include <switchboard/rpc/caf_error.hpp>
#include <switchboard/rpc/inheritance.hpp>
#include <switchboard/rpc/service.hpp>
#include <switchboard/rpc/turn.hpp>

namespace switchboard::rpc {
namespace {

using echo::v1::RepeatRequest;
using echo::v1::SayReply;
using echo::v1::SayRequest;
using pairs = std::vector<std::pair<std::string, std::string>>;

pairs listed(const metadata& of) {
  pairs all;
  for (const auto& each : of) all.emplace_back(each.key, each.value);
  return all;
}

const metadata request{{"traceparent", "00-aa-bb-01"}, {"user-agent", "test"}, {"tracestate", "vendor=1"}};
const pairs trace_context{{"traceparent", "00-aa-bb-01"}, {"tracestate", "vendor=1"}};

metadata_view view_of(const metadata& of) {
  return metadata_view{of.fields()};
}

call_context call_with(const metadata& kept) {
  return {nullptr, 1, time_point::max(), nullptr, std::make_shared<const metadata>(kept)};
}

struct every_form {
  SayReply say(const SayRequest&, const metadata&) { return {}; }
  result<SayReply> say_or_fail(const SayRequest&, const metadata&) { return SayReply{}; }
  SayReply say_with_context(const SayRequest&, const call_context&, const metadata&) { return {}; }
  void say_later(const SayRequest&, responder<SayReply>, const metadata&) {}
  void repeat(const RepeatRequest&, outbound<SayReply>, const metadata&) {}
  SayReply say_without(const SayRequest&) { return {}; }
  void repeat_without(const RepeatRequest&, outbound<SayReply>) {}
};

service_builder<every_form> echo() {
  return service<every_form>("switchboard.echo.v1.Echo");
}

TEST(MetadataOfAMethod, IsReadWhereItsHandlerTakesIt) {
  for (const service_definition& each : {
           service_definition{echo().unary("Say", &every_form::say)},
           service_definition{echo().unary("Say", &every_form::say_or_fail)},
           service_definition{echo().unary("Say", &every_form::say_with_context)},
           service_definition{echo().unary("Say", &every_form::say_later)},
           service_definition{echo().server_streaming("Repeat", &every_form::repeat)},
       })
    EXPECT_TRUE(each.methods().front().reads_metadata);
}

TEST(MetadataOfAMethod, IsNotReadWhereItsHandlerDoesNotTakeIt) {
  const service_definition plain =
      echo().unary("Say", &every_form::say_without).server_streaming("Repeat", &every_form::repeat_without);
  for (const auto& each : plain.methods()) EXPECT_FALSE(each.reads_metadata) << each.name;
}

TEST(KeptMetadata, IsWholeForAMethodThatReadsIt) {
  method reading;
  reading.reads_metadata = true;
  EXPECT_EQ(listed(*kept_metadata(view_of(request), reading)), listed(request));
}

TEST(KeptMetadata, IsTheTraceContextForAnyOther) {
  EXPECT_EQ(listed(*kept_metadata(view_of(request), method{})), trace_context);
}

TEST(KeptMetadata, IsNullWhereThereIsNothingToKeep) {
  EXPECT_EQ(kept_metadata({}, method{}), nullptr);
  EXPECT_EQ(kept_metadata(view_of(metadata{{"user-agent", "test"}}), method{}), nullptr);
}

TEST(KeptMetadata, OfACallThatHasNoneIsEmpty) {
  EXPECT_TRUE(call_context{}.metadata().empty());
}

TEST(InheritedMetadata, IsTheTraceContextOfTheCallThatIsHandled) {
  EXPECT_FALSE(has_current_metadata());
  {
    const call_scope handling{call_with(request)};
    EXPECT_TRUE(has_current_metadata());
    EXPECT_EQ(listed(current_metadata()), trace_context);
  }
  EXPECT_TRUE(current_metadata().empty());
}

TEST(InheritedMetadata, OutlivesTheCallThatItsHandlerLetGoOf) {
  auto call = std::make_unique<call_context>(call_with(request));
  const call_scope handling{*call};
  call = nullptr;
  EXPECT_EQ(listed(current_metadata()), trace_context);
}

TEST(InheritedMetadata, GoesBehindWhatAScopeSays) {
  const call_scope handling{call_with(request)};
  const metadata_scope saying{metadata{{"priority", "low"}}};
  EXPECT_EQ(listed(current_metadata()),
            (pairs{{"priority", "low"}, {"traceparent", "00-aa-bb-01"}, {"tracestate", "vendor=1"}}));
}

TEST(InheritedMetadata, GivesWayToATraceContextThatAScopeSays) {
  const call_scope handling{call_with(request)};
  const metadata_scope saying{metadata{{"traceparent", "00-cc-dd-01"}}};
  EXPECT_EQ(listed(current_metadata()), (pairs{{"traceparent", "00-cc-dd-01"}, {"tracestate", "vendor=1"}}));
}

TEST(InheritedMetadata, IsNotThatOfAnOuterCall) {
  const call_scope outer{call_with(request)};
  const metadata_scope saying{metadata{{"priority", "low"}}};
  const call_scope inner{call_context{}};
  EXPECT_FALSE(has_current_metadata());
}

TEST(InheritedMetadata, StaysWhereAScopeSetsADeadline) {
  const auto soon = time_point{} + std::chrono::hours{1};
  const call_scope handling{call_with(request)};
  const deadline_scope until{soon};
  EXPECT_EQ(current_deadline(), soon);
  EXPECT_EQ(listed(current_metadata()), trace_context);
}

TEST(InheritedMetadata, BeginsWithNothingInATurn) {
  const call_scope handling{call_with(request)};
  const deadline_scope until{time_point{} + std::chrono::hours{1}};
  {
    const turn another;
    EXPECT_FALSE(has_current_metadata());
    EXPECT_EQ(current_deadline(), time_point::max());
  }
  EXPECT_TRUE(has_current_metadata());
  EXPECT_EQ(current_deadline(), time_point{} + std::chrono::hours{1});
}

TEST(InheritedMetadata, EndsWithItsScopeWhereNoHandlerRuns) {
  { const deadline_scope until{time_point{} + std::chrono::hours{1}}; }
  EXPECT_EQ(current_deadline(), time_point::max());
  EXPECT_EQ(turn::current(), nullptr);
}

TEST(TrailingMetadata, TravelsWithAStatusBetweenActors) {
  const status failure{code::aborted, "no", metadata{{"reason", "busy"}, {"reason", "\xff"}}};
  EXPECT_EQ(to_status(to_error(failure)), failure);
}

}  // namespace
}  // namespace switchboard::rpc
