#include "scripted_driver.hpp"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <switchboard/link/frame_link.hpp>
#include <switchboard/testkit/scripted_transport.hpp>
#include <switchboard/wire/frame_encoder.hpp>

namespace switchboard::link {
namespace {

using namespace std::chrono_literals;
using net::readiness;
using notify::event;
using notify::interest;

std::string message(std::uint64_t call, std::string_view payload) {
  std::string out;
  wire::append_message(out, call, payload, false);
  return out;
}

/// An upper layer that records its notifications, and answers as the test wants.
struct recording_layer : upper_layer {
  void on_open() override { ++opened; }
  void on_frame(const wire::frame_view& frame) override {
    calls.push_back(frame.call);
    if (!answer.empty() && on) on->output().add_reply([&](std::string& out) { out += message(frame.call, answer); });
  }
  void after_frames() override { ++reads; }
  void on_malformed(std::error_code why) override {
    malformed = why;
    on->finish({close_reason::protocol_error, 2s, 1s});
  }
  void on_end_of_stream() override { ++ends; }
  bool accepts_input() const noexcept override { return accepts; }
  void on_output_low() override { ++lows; }
  void on_closing(close_reason reason, std::error_code why) override {
    closing.push_back(reason);
    error = why;
  }
  void on_closed(close_reason reason) override { closed.push_back(reason); }

  frame_link* on = nullptr;
  std::string answer;
  bool accepts = true;
  int opened = 0;
  int reads = 0;
  int ends = 0;
  int lows = 0;
  std::vector<std::uint64_t> calls;
  std::error_code malformed;
  std::error_code error;
  std::vector<close_reason> closing;
  std::vector<close_reason> closed;
};

/// A link and all that the test plays: its transport, its driver and its upper layer.
struct staged_link {
  void start() {
    upper.on = &link;
    link.start();
    link.end_turn();
  }
  /// Readiness of `events`, as far as they are waited for; whether they were.
  bool fire(event events) {
    if (!driver.armed_for) return false;
    const auto told = events & (static_cast<event>(*driver.armed_for) | event::err);
    if (told == event::none) return false;
    driver.armed_for = std::nullopt;
    link.on_ready(told);
    link.end_turn();
    return true;
  }
  void receive(std::string bytes) {
    wire->input.push_back(std::move(bytes));
    EXPECT_TRUE(fire(event::in));
  }
  void receive_end() {
    wire->input_ends = true;
    fire(event::in | event::hangup);
  }
  void make_room(std::size_t room) {
    wire->room = room;
    EXPECT_TRUE(fire(event::out));
  }
  void send(std::uint64_t call, std::string_view payload) {
    link.output().add_reply([&](std::string& out) { out += message(call, payload); });
    link.end_turn();
  }
  /// Gives the turn that the link has asked for; false where it has not.
  bool turn() {
    if (driver.turns == 0) return false;
    --driver.turns;
    link.on_turn();
    link.end_turn();
    return true;
  }
  /// All turns that it asks for; how many there were.
  std::size_t turns() {
    std::size_t given = 0;
    while (turn()) ++given;
    return given;
  }
  bool advance(clock::duration by) {
    driver.time += by;
    if (!driver.deadline || *driver.deadline > driver.time) return false;
    driver.deadline = std::nullopt;
    link.on_deadline();
    link.end_turn();
    return true;
  }
  void finish_removal() {
    ASSERT_TRUE(driver.removing);
    driver.removing = false;
    link.on_registration_closed();
  }
  interest armed_for() const { return driver.armed_for.value_or(interest::none); }

  limits bounds;
  link_metrics counted{std::make_shared<metrics::registry>()};
  std::shared_ptr<testkit::scripted_wire> wire = std::make_shared<testkit::scripted_wire>();
  scripted_driver driver;
  recording_layer upper;
  frame_link link{upper, driver, bounds,
                  std::make_unique<testkit::scripted_transport>(static_cast<net::socket_handle>(7), wire), counted};
};

class FrameLink : public testing::Test, protected staged_link {};

// -- states ---------------------------------------------------------------------------------------------------------

TEST(LinkState, HasTheTransitionsOfItsTableAndNoOthers) {
  const auto all = {state::handshaking, state::open,       state::half_closed, state::flushing,
                    state::lingering,   state::last_flush, state::closing,     state::closed};
  const std::vector<std::pair<state, state>> table = {
      {state::handshaking, state::open},    {state::open, state::half_closed},
      {state::open, state::flushing},       {state::half_closed, state::last_flush},
      {state::flushing, state::lingering},  {state::flushing, state::last_flush},
      {state::handshaking, state::closing}, {state::open, state::closing},
      {state::half_closed, state::closing}, {state::flushing, state::closing},
      {state::lingering, state::closing},   {state::last_flush, state::closing},
      {state::closing, state::closed}};
  for (const auto from : all)
    for (const auto to : all) {
      const bool listed = std::find(table.begin(), table.end(), std::pair{from, to}) != table.end();
      EXPECT_EQ(may_follow(from, to), listed) << static_cast<int>(from) << " to " << static_cast<int>(to);
    }
}

// -- the beginning --------------------------------------------------------------------------------------------------

TEST_F(FrameLink, OpensAtOnceWhereItsTransportIsConnected) {
  start();
  EXPECT_EQ(link.now(), state::open);
  EXPECT_EQ(upper.opened, 1);
  EXPECT_EQ(armed_for(), interest::in | interest::hangup);
}

TEST_F(FrameLink, ShakesHandsBeforeItOpens) {
  wire->handshake = {readiness::readable, readiness::writable, readiness::readable};
  wire->input.push_back(message(1, "sent early"));
  start();
  EXPECT_EQ(armed_for(), interest::in);
  ASSERT_TRUE(fire(event::in));
  EXPECT_EQ(armed_for(), interest::out);
  ASSERT_TRUE(fire(event::out));
  EXPECT_EQ(link.now(), state::handshaking);
  EXPECT_EQ(armed_for(), interest::in);
  ASSERT_TRUE(fire(event::in));
  EXPECT_EQ(link.now(), state::open);
  EXPECT_FALSE(driver.deadline) << "a handshake that is over has no limit of time";
  EXPECT_EQ(armed_for(), interest::in | interest::hangup);
  ASSERT_TRUE(fire(event::in));
  EXPECT_EQ(upper.calls, std::vector<std::uint64_t>{1});
}

TEST_F(FrameLink, EndsWhenAHandshakeTakesTooLong) {
  wire->handshake = {readiness::readable};
  start();
  EXPECT_FALSE(advance(bounds.handshake_timeout - 1ms));
  EXPECT_TRUE(advance(1ms));
  EXPECT_EQ(upper.closing, std::vector{close_reason::handshake_timeout});
}

TEST_F(FrameLink, EndsAtOnceWhereItIsFinishedDuringItsHandshake) {
  wire->handshake = {readiness::readable};
  start();
  link.finish({close_reason::drained, 2s});
  link.end_turn();
  EXPECT_EQ(upper.closing, std::vector{close_reason::drained});
}

TEST_F(FrameLink, EndsWhenAHandshakeFails) {
  wire->handshake = {readiness::writable};
  wire->handshake_error = std::make_error_code(std::errc::connection_refused);
  start();
  ASSERT_TRUE(fire(event::out));
  EXPECT_EQ(upper.closing, std::vector{close_reason::handshake_failed});
  EXPECT_EQ(upper.error, std::errc::connection_refused);
  EXPECT_EQ(upper.opened, 0);
}

TEST_F(FrameLink, IsGoneAtOnceWhereItCannotBeRegistered) {
  driver.open_failure = make_error_code(errc::registrations_exhausted);
  start();
  EXPECT_EQ(upper.closed, std::vector{close_reason::refused});
  EXPECT_TRUE(wire->closed);
}

// -- input ----------------------------------------------------------------------------------------------------------

TEST_F(FrameLink, GivesEachFrameOnceWhereverTheBytesAreCut) {
  start();
  const auto bytes = message(1, "one") + message(3, "two");
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    upper.calls.clear();
    if (cut > 0) receive(bytes.substr(0, cut));
    receive(bytes.substr(cut));
    EXPECT_EQ(upper.calls, (std::vector<std::uint64_t>{1, 3})) << "cut at " << cut;
  }
}

TEST_F(FrameLink, ArmsOnceForEachReadiness) {
  start();
  receive(message(1, "x"));
  receive(message(3, "x"));
  EXPECT_EQ(driver.arms, 2u);
}

TEST_F(FrameLink, TakesAReadinessThatBelongsToNoArmForNothing) {
  start();
  wire->input.push_back(message(1, "x"));
  ASSERT_TRUE(fire(event::in));
  link.on_ready(event::in);
  link.end_turn();
  link.on_ready(event::in);
  wire->input.push_back(message(3, "x"));
  link.on_ready(event::in);
  EXPECT_EQ(upper.calls, std::vector<std::uint64_t>{1});
}

TEST_F(FrameLink, ReadsOneChunkAReadiness) {
  start();
  wire->input = {message(1, "x"), message(3, "x")};
  fire(event::in);
  EXPECT_EQ(upper.calls.size(), 1u);
}

TEST_F(FrameLink, SaysThatItsSocketIsDrainedWhereItsReadDid) {
  start();
  wire->input = {message(1, "x"), message(3, "x")};
  ASSERT_TRUE(fire(event::in));
  EXPECT_FALSE(driver.said_drained) << "more was there";
  ASSERT_TRUE(fire(event::in));
  EXPECT_TRUE(driver.said_drained);
  ASSERT_TRUE(fire(event::in));
  EXPECT_TRUE(driver.said_drained) << "the read would block";
}

TEST_F(FrameLink, SaysNothingOfItsSocketWhereNoReadHasFollowedAReadiness) {
  start();
  receive(message(1, "x"));
  wire->room = 0;
  send(1, "reply");
  EXPECT_EQ(driver.arms, 2u);
  EXPECT_FALSE(driver.said_drained) << "it was armed: another readiness may be on its way";
  make_room(100);
  EXPECT_EQ(driver.arms, 3u);
  EXPECT_FALSE(driver.said_drained) << "it could write, and has not read";
}

TEST_F(FrameLink, ReadsWhatItsTransportHoldsWithoutReadiness) {
  wire->reads_ahead = true;
  start();
  wire->input = {message(1, "x"), message(3, "x"), message(5, "x")};
  fire(event::in);
  EXPECT_EQ(upper.calls.size(), 1u);
  EXPECT_EQ(driver.turns, 1u) << "others have their turn between two chunks";
  EXPECT_EQ(turns(), 2u);
  EXPECT_EQ(upper.calls, (std::vector<std::uint64_t>{1, 3, 5}));
}

TEST_F(FrameLink, ReadsWhatCameWithTheHandshake) {
  wire->reads_ahead = true;
  wire->handshake = {readiness::readable};
  start();
  wire->input = {message(1, "x")};
  fire(event::in);
  turns();
  EXPECT_EQ(upper.calls.size(), 1u);
}

TEST_F(FrameLink, WaitsToWriteWhereAReadHasTo) {
  start();
  wire->read_waits_for = readiness::writable;
  ASSERT_TRUE(fire(event::in));
  EXPECT_EQ(armed_for(), interest::out | interest::hangup);
  wire->input = {message(1, "x")};
  ASSERT_TRUE(fire(event::out));
  EXPECT_EQ(upper.calls.size(), 1u);
  EXPECT_EQ(armed_for(), interest::in | interest::hangup);
}

TEST_F(FrameLink, HasAMalformedStreamFinished) {
  start();
  receive(std::string("\xff\xff\xff\xff\xff\xff", 6));
  EXPECT_EQ(upper.malformed, errc::malformed_varint);
  EXPECT_TRUE(wire->write_shut);
  receive_end();
  EXPECT_EQ(upper.closing, std::vector{close_reason::protocol_error});
}

TEST_F(FrameLink, StopsReadingWhileItsUpperLayerAcceptsNoInput) {
  start();
  upper.accepts = false;
  link.end_turn();
  receive(message(1, "x"));
  EXPECT_EQ(armed_for(), interest::hangup);
  upper.accepts = true;
  link.end_turn();
  EXPECT_EQ(armed_for(), interest::in | interest::hangup);
}

TEST_F(FrameLink, ReadsNothingThatItsTransportHoldsWhileItsUpperLayerAcceptsNoInput) {
  wire->reads_ahead = true;
  start();
  upper.accepts = false;
  wire->input = {message(1, "x"), message(3, "x")};
  fire(event::in);
  EXPECT_EQ(turns(), 0u);
  upper.accepts = true;
  link.end_turn();
  EXPECT_EQ(turns(), 1u);
  EXPECT_EQ(upper.calls.size(), 2u);
}

TEST_F(FrameLink, StopsDecodingWhereRepliesAlonePassTwiceTheHighMark) {
  bounds.outbound_high_bytes = 1000;
  bounds.outbound_low_bytes = 100;
  start();
  wire->room = 0;
  upper.answer = std::string(600, 'x');
  std::string requests;
  for (std::uint64_t call = 1; call <= 9; ++call) requests += message(call, "x");
  receive(requests);
  EXPECT_EQ(upper.calls.size(), 4u);
  EXPECT_EQ(armed_for(), interest::hangup | interest::out);
  make_room(100'000);
  ASSERT_TRUE(turn()) << "others have their turn before the rest";
  EXPECT_EQ(upper.calls.size(), 8u);
  turns();
  EXPECT_EQ(upper.calls.size(), 9u);
  EXPECT_EQ(armed_for(), interest::in | interest::hangup);
}

TEST_F(FrameLink, LetsOthersHaveTheirTurnWhileManyFramesOfOneReadAreAnswered) {
  start();
  upper.answer.assign(64 * 1024, 'x');
  std::string frames;
  for (std::uint64_t call = 1; call <= 100; ++call) frames += message(call, "?");
  receive(frames);
  EXPECT_LE(upper.calls.size(), 10u) << "a turn's replies are about half a mebibyte";
  EXPECT_GE(turns(), 9u);
  EXPECT_EQ(upper.calls.size(), 100u);
  EXPECT_EQ(armed_for(), interest::in | interest::hangup);
}

TEST_F(FrameLink, LetsOthersHaveTheirTurnWhileOneReadHasThousandsOfFrames) {
  start();
  std::string frames;
  for (std::uint64_t call = 1; call <= 4'000; ++call) frames += message(call, "");
  receive(frames);
  EXPECT_LE(upper.calls.size(), 1'024u);
  EXPECT_GE(turns(), 3u);
  EXPECT_EQ(upper.calls.size(), 4'000u);
  EXPECT_EQ(armed_for(), interest::in | interest::hangup);
}

TEST_F(FrameLink, EndsAPeerThatDoesNotFinishAFrameInTime) {
  start();
  receive(message(1, "whole") + message(3, "cut").substr(0, 3));
  EXPECT_FALSE(advance(bounds.frame_timeout - 1ms));
  EXPECT_TRUE(advance(1ms));
  EXPECT_EQ(upper.malformed, errc::timed_out);
}

TEST_F(FrameLink, LetsAFrameTakeItsTimeThatGrowsFastEnough) {
  start();
  const auto large = message(1, std::string(700'000, 'x'));
  receive(large.substr(0, 10));
  std::size_t at = 10;
  for (; at + 40'000 < large.size() && at < 500'000; at += 40'000) receive(large.substr(at, 40'000));
  EXPECT_TRUE(advance(bounds.frame_timeout));
  EXPECT_FALSE(upper.malformed);
  EXPECT_TRUE(advance(bounds.frame_timeout));
  EXPECT_EQ(upper.malformed, errc::timed_out) << "it grew no more";
}

TEST_F(FrameLink, TimesEachFrameByItself) {
  start();
  receive(message(1, "cut").substr(0, 3));
  advance(bounds.frame_timeout - 1ms);
  receive(message(1, "cut").substr(3) + message(3, "cut as well").substr(0, 3));
  EXPECT_TRUE(advance(1ms));
  EXPECT_FALSE(upper.malformed);
  EXPECT_TRUE(advance(bounds.frame_timeout));
  EXPECT_EQ(upper.malformed, errc::timed_out);
}

TEST_F(FrameLink, DoesNotTimeAFrameWhileItReadsNothing) {
  start();
  receive(message(1, "cut").substr(0, 3));
  upper.accepts = false;
  link.end_turn();
  EXPECT_FALSE(advance(10 * bounds.frame_timeout));
  upper.accepts = true;
  link.end_turn();
  EXPECT_FALSE(advance(bounds.frame_timeout - 1ms));
  EXPECT_TRUE(advance(1ms));
  EXPECT_EQ(upper.malformed, errc::timed_out);
}

TEST_F(FrameLink, NoticesAResetWhileItReadsNothing) {
  start();
  upper.accepts = false;
  link.end_turn();
  fire(event::in);
  wire->pending = std::make_error_code(std::errc::connection_reset);
  ASSERT_TRUE(fire(event::hangup));
  EXPECT_EQ(upper.closing, std::vector{close_reason::reset});
}

TEST_F(FrameLink, KeepsNoPartOfAFrameWhoseRestWillNotCome) {
  start();
  receive(message(1, std::string(100'000, 'x')).substr(0, 50'000));
  wire->input_ends = true;
  fire(event::in | event::hangup);
  // Its own check() fails where it does.
  EXPECT_EQ(link.now(), state::half_closed);
  EXPECT_EQ(upper.ends, 1);
}

TEST_F(FrameLink, KeepsNoPartOfAFrameOnceItsOwnEndHasBegun) {
  start();
  receive(message(1, std::string(100'000, 'x')).substr(0, 50'000));
  EXPECT_GE(link.held_bytes(), 50'000u);
  wire->room = 0;
  send(3, "x");
  link.finish({close_reason::memory_max, 2s});
  link.end_turn();
  EXPECT_EQ(link.now(), state::flushing);
  EXPECT_LT(link.held_bytes(), 50'000u);
}

TEST_F(FrameLink, TellsAPeerThatIsLostFromAReset) {
  start();
  wire->pending = std::make_error_code(std::errc::timed_out);
  fire(event::err);
  EXPECT_EQ(upper.closing, std::vector{close_reason::peer_lost});
}

TEST_F(FrameLink, GivesUpAPeerThatHasEndedAndTakesNothingWhileItReadsNothing) {
  start();
  upper.accepts = false;
  link.end_turn();
  fire(event::in);
  fire(event::hangup);
  EXPECT_EQ(armed_for(), interest::none);
  EXPECT_TRUE(advance(bounds.end_of_stream_flush));
  EXPECT_EQ(upper.closing, std::vector{close_reason::slow_to_flush});
}

// -- figures --------------------------------------------------------------------------------------------------------

TEST_F(FrameLink, CountsBytesAndWholeFramesThatItReads) {
  start();
  const auto bytes = message(1, "one") + message(3, "two");
  receive(bytes.substr(0, bytes.size() - 1));
  EXPECT_EQ(counted.received_bytes.value(), bytes.size() - 1);
  EXPECT_EQ(counted.received_frames.value(), 1u);
  receive(bytes.substr(bytes.size() - 1));
  EXPECT_EQ(counted.received_bytes.value(), bytes.size());
  EXPECT_EQ(counted.received_frames.value(), 2u);
}

TEST_F(FrameLink, CountsFramesAsTheyAreQueuedAndBytesAsTheyAreWritten) {
  start();
  wire->room = 2;
  send(1, "payload");
  EXPECT_EQ(counted.queued_frames.value(), 1u);
  EXPECT_EQ(counted.sent_bytes.value(), 2u);
  make_room(100);
  EXPECT_EQ(counted.sent_bytes.value(), message(1, "payload").size());
  link.output().add_replies(message(3, "x") + message(5, "x"), 2);
  link.output().add_stream_message(7, "x", {});
  EXPECT_EQ(counted.queued_frames.value(), 4u);
}

// -- output ---------------------------------------------------------------------------------------------------------

TEST_F(FrameLink, WritesOnceWhatTurnsThatFollowOneAnotherHaveQueued) {
  start();
  driver.more = true;
  send(1, "x");
  send(3, "x");
  EXPECT_EQ(wire->writes, 0u);
  EXPECT_EQ(driver.turns, 1u);
  driver.more = false;
  turns();
  EXPECT_EQ(wire->writes, 1u);
  EXPECT_EQ(wire->output, message(1, "x") + message(3, "x"));
}

TEST_F(FrameLink, WaitsForRoomWhenAWriteWouldBlock) {
  start();
  wire->room = 2;
  send(1, "payload");
  EXPECT_EQ(armed_for(), interest::in | interest::hangup | interest::out);
  EXPECT_TRUE(link.output_full());
  make_room(100);
  EXPECT_EQ(wire->output, message(1, "payload"));
  EXPECT_FALSE(link.output_full());
  EXPECT_EQ(upper.lows, 1);
}

TEST_F(FrameLink, WaitsToReadWhereAWriteHasTo) {
  start();
  upper.accepts = false;
  wire->room = 0;
  wire->write_waits_for = readiness::readable;
  send(1, "x");
  fire(event::in);
  EXPECT_EQ(armed_for(), interest::in | interest::hangup) << "though nothing is read";
  wire->room = 100;
  ASSERT_TRUE(fire(event::in));
  EXPECT_EQ(wire->output, message(1, "x"));
}

TEST_F(FrameLink, WritesOnWhenAReadMayHaveTakenInWhatAWriteWaitsToRead) {
  start();
  wire->reads_ahead = true;
  wire->room = 0;
  wire->write_waits_for = readiness::readable;
  send(1, "x");
  // All that the socket had is with the transport now: no readiness follows.
  wire->input = {message(3, "x"), message(5, "x")};
  ASSERT_TRUE(fire(event::in));
  wire->room = 100;
  turns();
  EXPECT_EQ(wire->output, message(1, "x"));
}

TEST_F(FrameLink, SendsWhatItsTransportHolds) {
  start();
  wire->takes_all = true;
  wire->room = 2;
  send(1, "payload");
  EXPECT_TRUE(link.output().empty());
  EXPECT_TRUE(has(armed_for(), interest::out));
  make_room(100);
  EXPECT_EQ(wire->output, message(1, "payload"));
  EXPECT_FALSE(has(armed_for(), interest::out));
}

TEST_F(FrameLink, EndsWhenAWriteFails) {
  start();
  wire->write_error = std::make_error_code(std::errc::broken_pipe);
  send(1, "x");
  EXPECT_EQ(upper.closing, std::vector{close_reason::reset});
  EXPECT_EQ(upper.error, std::errc::broken_pipe);
}

// -- the end --------------------------------------------------------------------------------------------------------

TEST_F(FrameLink, FlushesShutsDownAndAwaitsThePeersEnd) {
  start();
  wire->room = 0;
  send(1, "x");
  link.finish({close_reason::drained, 2s});
  link.end_turn();
  EXPECT_FALSE(wire->write_shut);
  make_room(100);
  EXPECT_EQ(wire->output, message(1, "x"));
  EXPECT_TRUE(wire->write_shut);
  EXPECT_EQ(link.now(), state::lingering);
  receive(message(3, "thrown away"));
  EXPECT_TRUE(upper.calls.empty());
  receive_end();
  EXPECT_EQ(upper.closing, std::vector{close_reason::drained});
}

TEST_F(FrameLink, FlushesWhatItsTransportHoldsBeforeItShutsDown) {
  start();
  wire->takes_all = true;
  wire->room = 2;
  send(1, "x");
  link.finish({close_reason::drained, 2s});
  link.end_turn();
  EXPECT_FALSE(wire->write_shut);
  make_room(100);
  EXPECT_TRUE(wire->write_shut);
}

TEST_F(FrameLink, LingersNoLongerThanItWasTold) {
  start();
  link.finish({close_reason::protocol_error, 2s, 1s});
  link.end_turn();
  EXPECT_FALSE(advance(999ms));
  EXPECT_TRUE(advance(1ms));
  EXPECT_EQ(upper.closing, std::vector{close_reason::protocol_error});
}

TEST_F(FrameLink, GivesUpAPeerThatDoesNotTakeItsLastFrames) {
  start();
  wire->room = 0;
  send(1, "x");
  link.finish({close_reason::drained, 2s});
  link.end_turn();
  EXPECT_TRUE(advance(2s));
  EXPECT_EQ(upper.closing, std::vector{close_reason::slow_to_flush});
}

TEST_F(FrameLink, KeepsToTheEarlierOfTwoTimesToFlush) {
  start();
  wire->room = 0;
  send(1, "x");
  link.finish({close_reason::protocol_error, 30s});
  link.finish({close_reason::drained, 2s});
  link.finish({close_reason::drained, 10s});
  link.end_turn();
  EXPECT_TRUE(advance(2s));
}

TEST_F(FrameLink, SendsToAPeerThatHasEndedUntilItIsFinished) {
  start();
  receive_end();
  EXPECT_EQ(upper.ends, 1);
  EXPECT_EQ(link.now(), state::half_closed);
  EXPECT_EQ(armed_for(), interest::none);
  wire->room = 0;
  send(1, "x");
  link.finish({close_reason::end_of_stream, 30s});
  link.end_turn();
  EXPECT_EQ(link.now(), state::last_flush);
  make_room(100);
  EXPECT_EQ(wire->output, message(1, "x"));
  EXPECT_EQ(upper.closing, std::vector{close_reason::end_of_stream});
}

TEST_F(FrameLink, ClosesTheSocketOnlyWhenItsRegistrationHasEnded) {
  start();
  link.close(close_reason::stopped);
  link.end_turn();
  EXPECT_EQ(upper.closing, std::vector{close_reason::stopped});
  EXPECT_FALSE(wire->closed);
  EXPECT_TRUE(upper.closed.empty());
  finish_removal();
  EXPECT_TRUE(wire->closed);
  EXPECT_EQ(upper.closed, std::vector{close_reason::stopped});
}

TEST_F(FrameLink, HasOneReasonForItsEnd) {
  start();
  link.close(close_reason::stopped);
  link.close(close_reason::failed);
  finish_removal();
  link.on_registration_closed();
  EXPECT_EQ(upper.closing, std::vector{close_reason::stopped});
  EXPECT_EQ(upper.closed, std::vector{close_reason::stopped});
}

TEST_F(FrameLink, EndsWhenItCannotBeArmed) {
  start();
  driver.arm_failure = make_error_code(errc::closed);
  receive(message(1, "x"));
  EXPECT_EQ(upper.closing, std::vector{close_reason::stopped});
}

// -- whatever happens -----------------------------------------------------------------------------------------------

struct any_link : staged_link {
  /// One step of a peer, a socket, an upper layer or the clock. The link asserts its invariants after each.
  void step(std::mt19937& random) {
    switch (random() % 12) {
      case 0:
      case 1: {
        const auto frames = message(next, std::string(random() % 300, 'x')) + message(next + 1, "y");
        next += 2;
        const auto cut = random() % frames.size();
        wire->input.push_back(frames.substr(0, cut + 1));
        if (cut + 1 < frames.size()) wire->input.push_back(frames.substr(cut + 1));
        return;
      }
      case 2:
        wire->room = random() % 700;
        return;
      case 3:
        if (may_send(link.now())) send(1, std::string(random() % 500, 'z'));
        return;
      case 4:
        upper.accepts = random() % 2 == 0;
        return link.end_turn();
      case 5:
        driver.more = random() % 4 == 0;
        return;
      case 6:
        wire->read_waits_for = random() % 4 == 0 ? readiness::writable : readiness::readable;
        wire->write_waits_for = random() % 4 == 0 ? readiness::readable : readiness::writable;
        return;
      case 7:
        if (random() % 20 == 0) wire->input_ends = true;
        return;
      case 8:
        if (random() % 30 != 0) return;
        link.finish({close_reason::drained, 2s, 1s});
        return link.end_turn();
      case 9:
        if (random() % 60 == 0) link.close(close_reason::stopped);
        return link.end_turn();
      case 10:
        advance(std::chrono::milliseconds{random() % 50});
        return;
      default:
        driver.more = false;
        turns();
        fire(static_cast<event>(random() % 8));
    }
  }

  std::uint64_t next = 1;
};

TEST(AnyLink, GivesEveryFrameInOrderAndEndsOnce) {
  const auto first_seed = std::random_device{}();
  for (unsigned seed = first_seed; seed < first_seed + 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random{seed};
    any_link one;
    one.bounds.outbound_high_bytes = 1000;
    one.bounds.outbound_low_bytes = 100;
    one.wire->reads_ahead = random() % 2 == 0;
    one.wire->takes_all = random() % 2 == 0;
    for (auto steps = random() % 4; steps > 0; --steps)
      one.wire->handshake.push_back(random() % 2 == 0 ? readiness::readable : readiness::writable);
    one.upper.answer = std::string(random() % 300, 'a');
    one.start();
    for (int steps = 0; steps < 600; ++steps) one.step(random);
    for (std::size_t i = 0; i < one.upper.calls.size(); ++i) ASSERT_EQ(one.upper.calls[i], i + 1);
    one.link.close(close_reason::stopped);
    one.link.end_turn();
    if (one.driver.removing) one.finish_removal();
    EXPECT_EQ(one.upper.closing.size(), 1u);
    EXPECT_EQ(one.upper.closed, one.upper.closing);
    EXPECT_TRUE(one.wire->closed);
  }
}

}  // namespace
}  // namespace switchboard::link
