// What a connection counts.

#include "connection_fixture.hpp"

namespace switchboard::actors {
namespace {

using namespace std::chrono_literals;

class ConnectionMetrics : public ConnectionTest {
protected:
  std::int64_t opened(std::string_view method) const {
    return environment->figures->read().value("switchboard_calls_opened_total", {method});
  }
  std::int64_t ended(std::string_view method, std::string_view code) const {
    return environment->figures->read().value("switchboard_calls_ended_total", {method, code});
  }
  std::int64_t ended() const { return environment->figures->read().total("switchboard_calls_ended_total"); }
  double seconds(std::string_view method) const {
    return environment->figures->read().find("switchboard_call_duration_seconds", {method})->sum;
  }
  std::int64_t hits(std::string_view limit) const {
    return environment->figures->read().value("switchboard_limit_hits_total", {limit});
  }
};

TEST_F(ConnectionMetrics, CountACallAndHowLongItTook) {
  start();
  receive(open_say(1, "a"));
  EXPECT_EQ(opened(say), 1);
  EXPECT_EQ(ended(), 0);
  stage.advance(250ms);
  desk.said.front().reply(reply("b"));
  stage.settle();
  EXPECT_EQ(ended(say, "OK"), 1);
  EXPECT_DOUBLE_EQ(seconds(say), 0.25);
}

TEST_F(ConnectionMetrics, CountCallsThatEndTogetherEachFromItsOpening) {
  start();
  receive(open_say(1, "a"));
  stage.advance(100ms);
  receive(open_say(3, "b"));
  stage.advance(100ms);
  for (auto& each : desk.said) each.reply(reply("b"));
  stage.settle();
  EXPECT_EQ(ended(say, "OK"), 2);
  EXPECT_DOUBLE_EQ(seconds(say), 0.3);
}

TEST_F(ConnectionMetrics, CountWhatTheClientIsTold) {
  start();
  receive(open_say(1, "a") + open_say(3, "b") + open_say(5, "c", 50));
  desk.said.front().fail(rpc::code::not_found, "not here");
  stage.settle();
  receive(status(3, rpc::code::cancelled));
  stage.advance(60ms);
  EXPECT_EQ(opened(say), 3);
  EXPECT_EQ(ended(say, "NOT_FOUND"), 1);
  EXPECT_EQ(ended(say, "CANCELLED"), 1);
  EXPECT_EQ(ended(say, "DEADLINE_EXCEEDED"), 1);
  EXPECT_EQ(ended(), 3);
}

TEST_F(ConnectionMetrics, CountOneEndOfACallThatIsAnsweredAfterItsCancel) {
  start();
  receive(open_say(1, "a"));
  receive(status(1, rpc::code::cancelled));
  desk.said.front().reply(reply("late"));
  stage.settle();
  EXPECT_EQ(ended(say, "CANCELLED"), 1);
  EXPECT_EQ(ended(), 1);
}

TEST_F(ConnectionMetrics, CountMethodsThatAreNotServedAsOne) {
  start();
  std::string bytes;
  wire::append_open(bytes, 1, "no.Such/Method", {}, true, 0, 0);
  wire::append_open(bytes, 3, "no.Other/Method", {}, true, 0, 0);
  receive(bytes);
  EXPECT_EQ(opened("unserved"), 2);
  EXPECT_EQ(ended("unserved", "UNIMPLEMENTED"), 2);
  EXPECT_EQ(opened("no.Such/Method"), 0);
}

TEST_F(ConnectionMetrics, CountCallsThatTheConnectionAnswersItself) {
  start();
  std::string bytes;
  wire::append_open(bytes, 1, "switchboard.v1.Session/Ping", {}, true, 0, 0);
  wire::append_open(bytes, 3, "switchboard.v1.Session/Ping", "\xFF\xFF", true, 0, 0);
  receive(bytes);
  EXPECT_EQ(opened("switchboard.v1.Session/Ping"), 2);
  EXPECT_EQ(ended("switchboard.v1.Session/Ping", "OK"), 1);
  EXPECT_EQ(ended("switchboard.v1.Session/Ping", "INVALID_ARGUMENT"), 1);
}

TEST_F(ConnectionMetrics, EveryCallThatIsOpenedEndsOnce) {
  start();
  receive(open_say(1, "a") + open_repeat(3, 1) + open_say(5, "b"));
  desk.said.front().reply(reply("c"));
  stage.settle();
  tell(close_connection{});
  EXPECT_EQ(environment->figures->read().total("switchboard_calls_opened_total"), 3);
  EXPECT_EQ(ended(), 3);
}

TEST_F(ConnectionMetrics, CountBytesAndFrames) {
  start();
  const auto request = open_say(1, "a");
  receive(request);
  desk.said.front().reply(reply("b"));
  stage.settle();
  const auto written = wire->output.size();
  const auto figures = environment->figures->read();
  EXPECT_EQ(figures.value("switchboard_link_received_bytes_total"), static_cast<std::int64_t>(request.size()));
  EXPECT_EQ(figures.value("switchboard_link_received_frames_total"), 1);
  EXPECT_EQ(figures.value("switchboard_link_sent_bytes_total"), static_cast<std::int64_t>(written));
  EXPECT_EQ(figures.value("switchboard_link_queued_frames_total"), 1);
}

TEST_F(ConnectionMetrics, CountCallsBeyondTheLimitOfOpenOnes) {
  start({.open_calls_max = 2});
  receive(open_say(1, "a") + open_say(3, "b") + open_say(5, "c"));
  EXPECT_EQ(hits("open_calls_max"), 1);
  EXPECT_EQ(ended(say, "RESOURCE_EXHAUSTED"), 1);
}

TEST_F(ConnectionMetrics, CountFramesAboveTheLimit) {
  start();
  receive(std::string("\x81\x80\x40", 3));
  EXPECT_EQ(hits("frame_bytes_max"), 1);
}

TEST_F(ConnectionMetrics, CountClientsThatDoNotTakeTheirLastFrames) {
  start();
  wire->room = 0;
  receive(std::string(10, '\xFF'));
  stage.advance(environment->limits.link.flush_timeout + 1ms);
  EXPECT_EQ(hits("flush_timeout"), 1);
}

}  // namespace
}  // namespace switchboard::actors
