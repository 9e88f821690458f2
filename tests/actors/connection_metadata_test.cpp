// Metadata of requests and answers at the connection: what is refused, kept and charged, and what goes with an end.

#include "connection_fixture.hpp"

#include <switchboard/rpc/turn.hpp>

namespace switchboard::actors {
namespace {

using pairs = std::vector<std::pair<std::string, std::string>>;

pairs listed(const rpc::metadata& of) {
  pairs all;
  for (const auto& each : of) all.emplace_back(each.key, each.value);
  return all;
}

pairs listed(const v1::Frame& of) {
  pairs all;
  for (const auto& each : of.metadata()) all.emplace_back(each.key(), each.value());
  return all;
}

/// Adds pairs to a frame, whatever the rules say.
std::string with(std::string frame, const pairs& added) {
  v1::Frame fields;
  for (const auto& [key, value] : added) {
    auto* pair = fields.add_metadata();
    pair->set_key(key);
    pair->set_value(value);
  }
  wire::add_metadata(frame, 0, fields.SerializeAsString());
  return frame;
}

/// Adds to the end of every call; keeps what it saw.
class adding : public rpc::interceptor {
public:
  rpc::status opened(const rpc::call_context& call) override {
    seen = listed(call.metadata());
    return verdict;
  }
  void ending(const rpc::call_context&, rpc::code how, rpc::metadata& trailing) override {
    endings.push_back(how);
    trailing.add("added", value);
  }
  void ended(const rpc::call_context& call, rpc::code, std::chrono::nanoseconds) override {
    seen_at_the_end = listed(call.metadata());
  }

  rpc::status verdict;
  std::string value = "here";
  pairs seen;
  pairs seen_at_the_end;
  std::vector<rpc::code> endings;
};

class ConnectionMetadata : public ConnectionTest {
protected:
  std::shared_ptr<adding> intercept() {
    auto made = std::make_shared<adding>();
    environment->interceptors.push_back(made);
    return made;
  }
  /// Costs `cost`, besides nothing.
  static pairs of_cost(std::size_t cost) { return {{"k", std::string(cost - wire::metadata_pair_overhead - 1, 'v')}}; }

  const pairs request{{"traceparent", "00-aa-bb-01"}, {"user-agent", "test"}, {"user-agent", "again"}};
};

TEST_F(ConnectionMetadata, IsGivenToAMethodThatReadsIt) {
  start();
  receive(with(open_repeat(1, 1), request));
  ASSERT_EQ(desk.metadata.size(), 1u);
  EXPECT_EQ(listed(desk.metadata[0]), request);
  EXPECT_EQ(listed(desk.streams[0].context().metadata()), request);
}

TEST_F(ConnectionMetadata, IsKeptForAnyOtherMethodAsFarAsItsCallsCarryItOn) {
  start();
  receive(with(open_say(1, "a"), request));
  ASSERT_EQ(desk.said.size(), 1u);
  EXPECT_EQ(listed(desk.said[0].context().metadata()), (pairs{{"traceparent", "00-aa-bb-01"}}));
}

TEST_F(ConnectionMetadata, IsRefusedWhereItBreaksARule) {
  start();
  std::uint64_t call = 1;
  for (const auto& [broken, code] : std::vector<std::pair<pairs, rpc::code>>{
           {{{"", ""}}, rpc::code::invalid_argument},
           {{{"Key", ""}}, rpc::code::invalid_argument},
           {{{"fine", ""}, {"switchboard-key", ""}}, rpc::code::invalid_argument},
           {of_cost(8193), rpc::code::resource_exhausted},
           {pairs(65, {"k", ""}), rpc::code::resource_exhausted},
       }) {
    receive(with(open_say(call, "a"), broken));
    const auto refused = sent_one();
    EXPECT_EQ(refused.call(), call);
    EXPECT_EQ(code_of(refused), code);
    call += 2;
  }
  EXPECT_TRUE(desk.said.empty());
  EXPECT_EQ(environment->figures->read().value("switchboard_limit_hits_total", {"metadata_bytes_max"}), 2);
  receive(open_say(call, "the connection lives on"));
  EXPECT_EQ(desk.said.size(), 1u);
}

TEST_F(ConnectionMetadata, IsLookedAtBehindTheLimitOfOpenCallsAndBeforeTheRequest) {
  start({.open_calls_max = 1});
  const pairs bad{{"Bad", ""}};
  std::string unknown;
  wire::append_open(unknown, 1, "no.Such/Method", {}, true, 0, 0);
  receive(with(unknown, bad));
  EXPECT_EQ(code_of(sent_one()), rpc::code::unimplemented);
  std::string malformed;
  wire::append_open(malformed, 3, say, "\xFF\xFF", true, 0, 0);
  receive(with(malformed, pairs(65, {"k", ""})));
  EXPECT_EQ(code_of(sent_one()), rpc::code::resource_exhausted);
  receive(open_say(5, "takes the only place"));
  receive(with(open_say(7, "a"), bad));
  EXPECT_EQ(code_of(sent_one()), rpc::code::resource_exhausted);
}

TEST_F(ConnectionMetadata, IsIgnoredOnFramesThatOpenNothing) {
  start();
  receive(open_repeat(1, 1));
  receive(with(credit(1, 1), {{"Bad", std::string(9000, 'v')}}));
  EXPECT_TRUE(sent().empty());
}

TEST_F(ConnectionMetadata, CountsAsRequestBytesUntilItsCallIsGone) {
  start({.link = {.frame_bytes_max = 4000}, .request_bytes_in_flight_max = 4000});
  receive(with(open_repeat(1, 1), of_cost(2000)));
  ASSERT_TRUE(desk.streams[0].send(reply("first")));
  stage.settle();
  // The stream has taken its request, and keeps its metadata.
  receive(open_say(3, std::string(1900, 'x')));
  EXPECT_TRUE(has(armed_filter(), interest::in));
  receive(open_say(5, std::string(100, 'x')));
  EXPECT_FALSE(has(armed_filter(), interest::in));
  desk.said.front().reply(reply("done"));
  stage.settle();
  EXPECT_TRUE(has(armed_filter(), interest::in));
}

TEST_F(ConnectionMetadata, OfOpenCallsIsBounded) {
  start({.link = {.frame_bytes_max = 4000}, .request_bytes_in_flight_max = 4000});
  receive(with(open_repeat(1, 1), of_cost(1000)));
  receive(with(open_repeat(3, 1), of_cost(1000)));
  EXPECT_TRUE(sent().empty());
  receive(with(open_repeat(5, 1), of_cost(40)));
  EXPECT_EQ(code_of(sent_one()), rpc::code::resource_exhausted);
  EXPECT_EQ(environment->figures->read().value("switchboard_limit_hits_total", {"open_calls_metadata_bytes_max"}), 1);
  receive(with(open_say(7, "not kept, so not counted"), of_cost(1000)));
  EXPECT_EQ(desk.said.size(), 1u);
  desk.streams.pop_front();
  stage.settle();
  (void)sent();
  receive(with(open_repeat(9, 1), of_cost(40)));
  EXPECT_TRUE(sent().empty());
}

TEST_F(ConnectionMetadata, GoesWithTheFrameThatAnswersItsCall) {
  start();
  receive(open_say(1, "a") + open_say(3, "b") + open_say(5, "c"));
  {
    const rpc::turn together;
    desk.said[0].reply(reply("plain"));
    desk.said[1].reply(reply("costly"), rpc::metadata{{"cost", "3"}, {"cost", "4"}});
    desk.said[2].fail({rpc::code::aborted, "no", rpc::metadata{{"reason", "busy"}}});
  }
  stage.settle();
  const auto frames = sent();
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_EQ(listed(frames[0]), pairs{});
  EXPECT_EQ(listed(frames[1]), (pairs{{"cost", "3"}, {"cost", "4"}}));
  EXPECT_EQ(payload_of(frames[1]), "costly");
  EXPECT_TRUE(frames[1].end());
  EXPECT_EQ(listed(frames[2]), (pairs{{"reason", "busy"}}));
  EXPECT_EQ(code_of(frames[2]), rpc::code::aborted);
}

TEST_F(ConnectionMetadata, GoesWithTheFrameThatEndsAStreamAndNoOther) {
  start();
  receive(open_repeat(1, 5) + open_repeat(3, 5));
  for (auto& stream : desk.streams) ASSERT_TRUE(stream.send(reply("message")));
  desk.streams[0].finish(rpc::metadata{{"cost", "3"}});
  desk.streams[1].fail({rpc::code::aborted, "no", rpc::metadata{{"reason", "busy"}}});
  stage.settle();
  const auto frames = sent();
  ASSERT_EQ(frames.size(), 4u);
  for (const auto& frame : frames) {
    if (frame.has_message())
      EXPECT_EQ(listed(frame), pairs{});
    else if (frame.call() == 1)
      EXPECT_EQ(listed(frame), (pairs{{"cost", "3"}}));
    else
      EXPECT_EQ(listed(frame), (pairs{{"reason", "busy"}}));
  }
}

TEST_F(ConnectionMetadata, ThatDoesNotFitIntoItsFrameIsDropped) {
  start({.link = {.frame_bytes_max = 1000}, .request_bytes_in_flight_max = 1000});
  receive(open_say(1, "a"));
  desk.said[0].reply(reply(std::string(900, 'x')), rpc::metadata{{"long", std::string(100, 'v')}});
  stage.settle();
  const auto answer = sent_one();
  EXPECT_EQ(payload_of(answer).size(), 900u);
  EXPECT_EQ(listed(answer), pairs{});
}

TEST_F(ConnectionMetadata, BeyondTheLimitsOfAFrameIsDroppedAndTheRestGoes) {
  start();
  receive(open_say(1, "a"));
  rpc::metadata trailing;
  for (int i = 0; i < 70; ++i) trailing.add("k", "v");
  desk.said[0].reply(reply("a"), trailing);
  stage.settle();
  EXPECT_EQ(listed(sent_one()).size(), wire::metadata_pairs_max);
}

// -- interceptors ---------------------------------------------------------------------------------------------------

TEST_F(ConnectionMetadata, IsSeenWholeByInterceptorsWhileACallOpensAndAsKeptLater) {
  const auto it = intercept();
  start();
  receive(with(open_say(1, "a"), request));
  EXPECT_EQ(it->seen, request);
  desk.said[0].reply(reply("done"));
  stage.settle();
  EXPECT_EQ(it->seen_at_the_end, (pairs{{"traceparent", "00-aa-bb-01"}}));
}

TEST_F(ConnectionMetadata, OfInterceptorsGoesBehindTheHandlersOwn) {
  const auto it = intercept();
  start();
  receive(open_say(1, "a") + open_say(3, "b") + open_repeat(5, 1));
  desk.said[0].reply(reply("a"), rpc::metadata{{"cost", "3"}});
  desk.said[1].fail(rpc::code::aborted, "no");
  desk.streams[0].finish();
  stage.settle();
  const auto frames = sent();
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_EQ(listed(frames[0]), (pairs{{"cost", "3"}, {"added", "here"}}));
  EXPECT_EQ(listed(frames[1]), (pairs{{"added", "here"}}));
  EXPECT_EQ(listed(frames[2]), (pairs{{"added", "here"}}));
  EXPECT_EQ(it->endings, (std::vector{rpc::code::ok, rpc::code::aborted, rpc::code::ok}));
}

TEST_F(ConnectionMetadata, OfInterceptorsThatDoesNotFitBesideTheHandlersIsDropped) {
  const auto it = intercept();
  it->value = std::string(4000, 'v');
  start();
  receive(open_say(1, "a"));
  desk.said[0].reply(reply("a"), rpc::metadata{{"first", std::string(4000, 'v')}, {"second", std::string(200, 'v')}});
  stage.settle();
  const auto answer = sent_one();
  ASSERT_EQ(answer.metadata_size(), 2);
  EXPECT_EQ(answer.metadata(1).key(), "second");
}

TEST_F(ConnectionMetadata, OfARefusalGoesWithIt) {
  const auto it = intercept();
  it->verdict = {rpc::code::permission_denied, "not today", rpc::metadata{{"until", "tomorrow"}}};
  start();
  receive(open_say(1, "a"));
  const auto refused = sent_one();
  EXPECT_EQ(code_of(refused), rpc::code::permission_denied);
  EXPECT_EQ(listed(refused), (pairs{{"until", "tomorrow"}}));
}

TEST_F(ConnectionMetadata, IsNotAskedOfInterceptorsForACallThatItsClientCancelled) {
  const auto it = intercept();
  start();
  receive(open_say(1, "a"));
  receive(status(1, rpc::code::cancelled));
  EXPECT_TRUE(it->endings.empty());
  EXPECT_TRUE(sent().empty());
}

}  // namespace
}  // namespace switchboard::actors
