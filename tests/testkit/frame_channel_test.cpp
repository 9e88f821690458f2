#include "../client/connection.hpp"

#include <sys/socket.h>

#include <switchboard/v1/frame.pb.h>

namespace switchboard::testkit {
namespace {

using namespace client;

v1::Frame frame_of(std::uint64_t call, std::string message = {}) {
  v1::Frame frame;
  frame.set_call(call);
  frame.set_message(std::move(message));
  return frame;
}

class FrameChannel : public testing::Test {
protected:
  std::unique_ptr<net::listener> listener_ = listen_on_loopback();
  frame_channel near_ = connect_to(*listener_);
  frame_channel far_ = accept_from(*listener_);
};

TEST_F(FrameChannel, CarriesFramesBothWays) {
  v1::Frame frame;
  ASSERT_EQ(near_.send(frame_of(1, "there"), patience()), std::error_code());
  ASSERT_EQ(far_.receive(frame, patience()), std::error_code());
  EXPECT_EQ(frame.message(), "there");
  ASSERT_EQ(far_.send(frame_of(1, "and back"), patience()), std::error_code());
  ASSERT_EQ(near_.receive(frame, patience()), std::error_code());
  EXPECT_EQ(frame.message(), "and back");
}

TEST_F(FrameChannel, KeepsEveryFieldOfAFrame) {
  v1::Frame sent = frame_of(7, "m");
  sent.set_method("a.B/C");
  sent.set_end(true);
  sent.set_credit(3);
  sent.set_timeout_ms(4);
  sent.mutable_status()->set_code(5);
  sent.mutable_status()->add_details()->set_value("detail");
  ASSERT_EQ(near_.send(sent, patience()), std::error_code());
  v1::Frame got;
  ASSERT_EQ(far_.receive(got, patience()), std::error_code());
  EXPECT_EQ(got.SerializeAsString(), sent.SerializeAsString());
}

TEST_F(FrameChannel, GivesUpAtTheDeadlineAndGoesOnAfterIt) {
  v1::Frame frame;
  const auto before = clock::now();
  EXPECT_EQ(near_.receive(frame, within(30ms)), errc::timed_out);
  EXPECT_GE(clock::now() - before, 30ms);
  ASSERT_EQ(far_.send(frame_of(1), patience()), std::error_code());
  EXPECT_EQ(near_.receive(frame, patience()), std::error_code());
}

TEST_F(FrameChannel, DoesNotWaitWithADeadlineThatHasPassed) {
  v1::Frame frame;
  EXPECT_EQ(near_.receive(frame, no_wait), errc::timed_out);
}

TEST_F(FrameChannel, SendsBytesThatAreNoFrame) {
  ASSERT_EQ(near_.send_bytes("\xff\xff\xff\xff\xff", patience()), std::error_code());
  v1::Frame frame;
  EXPECT_EQ(far_.receive(frame, patience()), errc::malformed_varint);
}

TEST_F(FrameChannel, RefusesAFrameAboveItsOwnLimit) {
  auto small = connect_to(*listener_, {.frame_limit = 100});
  auto peer = accept_from(*listener_);
  ASSERT_EQ(peer.send(frame_of(1, std::string(200, 'x')), patience()), std::error_code());
  v1::Frame frame;
  EXPECT_EQ(small.receive(frame, patience()), errc::frame_too_large);
}

TEST_F(FrameChannel, TellsTheEndOfTheStreamBehindTheLastFrame) {
  ASSERT_EQ(near_.send(frame_of(1), patience()), std::error_code());
  ASSERT_EQ(near_.half_close(patience()), std::error_code());
  v1::Frame frame;
  EXPECT_EQ(far_.receive(frame, patience()), std::error_code());
  EXPECT_EQ(far_.receive(frame, patience()), errc::end_of_stream);
}

TEST_F(FrameChannel, StillReceivesAfterHalfClose) {
  ASSERT_EQ(near_.half_close(patience()), std::error_code());
  ASSERT_EQ(far_.send(frame_of(1, "late"), patience()), std::error_code());
  v1::Frame frame;
  EXPECT_EQ(near_.receive(frame, patience()), std::error_code());
  EXPECT_EQ(frame.message(), "late");
}

TEST_F(FrameChannel, AwaitsTheEndPastWhateverComes) {
  ASSERT_EQ(far_.send_bytes("no frames at all", patience()), std::error_code());
  EXPECT_EQ(near_.await_end(within(20ms)), errc::timed_out);
  ASSERT_EQ(far_.half_close(patience()), std::error_code());
  EXPECT_EQ(near_.await_end(patience()), std::error_code());
}

TEST_F(FrameChannel, TellsAReset) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ASSERT_EQ(setsockopt(static_cast<int>(far_.handle()), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
  { const frame_channel gone = std::move(far_); }
  v1::Frame frame;
  EXPECT_EQ(near_.receive(frame, patience()), std::errc::connection_reset);
}

TEST_F(FrameChannel, SendsTheRestLaterWhenThePeerDoesNotRead) {
  const std::string large(900 * 1024, 'x');
  int sent = 0;
  while (near_.send(frame_of(1, large), within(50ms)) != errc::timed_out) ++sent;
  EXPECT_TRUE(near_.wants_write());
  v1::Frame frame;
  for (int received = 0; received <= sent; ++received) {
    // Each side moves what it can; neither is allowed to wait for the other here.
    std::error_code error = make_error_code(errc::timed_out);
    for (const auto until = patience(); error == errc::timed_out && clock::now() < until;) {
      (void)near_.flush(no_wait);
      error = far_.receive(frame, within(1ms));
    }
    ASSERT_EQ(error, std::error_code());
    EXPECT_EQ(frame.message().size(), large.size());
  }
  EXPECT_FALSE(near_.wants_write());
}

TEST_F(FrameChannel, RefusesMoreThanItsOutputLimit) {
  auto limited = connect_to(*listener_, {.output_limit = 1024 * 1024});
  auto peer = accept_from(*listener_);
  const std::string large(900 * 1024, 'x');
  std::error_code error;
  for (int i = 0; i < 100 && error != std::errc::no_buffer_space; ++i)
    error = limited.send(frame_of(1, large), within(20ms));
  EXPECT_EQ(error, std::errc::no_buffer_space);
}

TEST_F(FrameChannel, SendsAfterItsConnectionIsMadeWhatWasSentBefore) {
  auto started = frame_channel::start(listener_->local());
  ASSERT_TRUE(started);
  const auto error = started->send(frame_of(1, "early"), no_wait);
  EXPECT_TRUE(!error || error == errc::timed_out);
  auto peer = accept_from(*listener_);
  ASSERT_EQ(started->flush(patience()), std::error_code());
  v1::Frame frame;
  ASSERT_EQ(peer.receive(frame, patience()), std::error_code());
  EXPECT_EQ(frame.message(), "early");
}

TEST(FrameChannelConnect, TellsThatNobodyListens) {
  const auto where = listen_on_loopback()->local();
  EXPECT_EQ(frame_channel::connect(where, patience()).error(), std::errc::connection_refused);
}

TEST(FrameChannelConnect, ReachesAUnixSocket) {
  const auto path = testing::TempDir() + "switchboard_client_test_" + std::to_string(getpid());
  auto listener = net::system_network().listen(net::endpoint::unix_path(path));
  ASSERT_TRUE(listener) << listener.error().message();
  auto near = connect_to(**listener);
  auto far = accept_from(**listener);
  ASSERT_EQ(near.send(frame_of(1, "local"), patience()), std::error_code());
  v1::Frame frame;
  EXPECT_EQ(far.receive(frame, patience()), std::error_code());
}

}  // namespace
}  // namespace switchboard::testkit
