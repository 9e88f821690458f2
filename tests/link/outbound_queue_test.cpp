#include <random>

#include <gtest/gtest.h>

#include <switchboard/link/outbound_queue.hpp>
#include <switchboard/testkit/scripted_transport.hpp>
#include <switchboard/wire/frame_decoder.hpp>
#include <switchboard/wire/frame_encoder.hpp>

namespace switchboard::link {
namespace {

using testkit::scripted_transport;
using testkit::scripted_wire;

class OutboundQueue : public testing::Test {
protected:
  void reply(std::uint64_t call, std::string_view payload) {
    queue.add_reply([&](std::string& out) { wire::append_message(out, call, payload, true); });
  }
  void stream(std::uint64_t call, std::string_view payload) { queue.add_stream_message(call, payload, {}); }
  std::vector<std::uint64_t> calls_written() {
    std::vector<std::uint64_t> calls;
    wire::frame_decoder decoder;
    decoder.feed(std::as_bytes(std::span{wire->output}));
    wire::frame_view frame;
    while (decoder.next(frame) == wire::frame_decoder::outcome::frame) calls.push_back(frame.call);
    EXPECT_FALSE(decoder.error());
    return calls;
  }

  std::shared_ptr<scripted_wire> wire = std::make_shared<scripted_wire>();
  scripted_transport transport{static_cast<net::socket_handle>(1), wire};
  outbound_queue queue;
};

TEST_F(OutboundQueue, WritesNothingWhenEmpty) {
  const auto written = queue.write(transport);
  EXPECT_EQ(written.outcome, net::io_outcome::done);
  EXPECT_EQ(wire->writes, 0u);
}

TEST_F(OutboundQueue, GathersAllFramesInOneWrite) {
  for (std::uint64_t call = 1; call < 20; call += 2) reply(call, "payload");
  EXPECT_EQ(queue.write(transport).outcome, net::io_outcome::done);
  EXPECT_EQ(wire->writes, 1u);
  EXPECT_EQ(calls_written().size(), 10u);
  EXPECT_TRUE(queue.empty());
}

TEST_F(OutboundQueue, KeepsLargeSharedPayloadsByReference) {
  const wire::shared_bytes large{std::string(100'000, 'x')};
  queue.add_stream_message(1, large.view(), large);
  queue.add_stream_message(3, large.view(), large);
  EXPECT_EQ(queue.write(transport).outcome, net::io_outcome::done);
  EXPECT_EQ(calls_written(), (std::vector<std::uint64_t>{1, 3}));
}

TEST_F(OutboundQueue, SaysWhenAStreamsPlaceHasLeft) {
  stream(1, "a message");
  const auto place = queue.stream_position();
  EXPECT_FALSE(queue.stream_sent(place));
  ASSERT_EQ(queue.write(transport).outcome, net::io_outcome::done);
  EXPECT_TRUE(queue.stream_sent(place));
}

TEST_F(OutboundQueue, ReportsWhatAWriteFailedWith) {
  reply(1, "x");
  wire->write_error = std::make_error_code(std::errc::broken_pipe);
  const auto written = queue.write(transport);
  EXPECT_EQ(written.outcome, net::io_outcome::failed);
  EXPECT_EQ(written.error, std::errc::broken_pipe);
}

TEST_F(OutboundQueue, KeepsFramesWholeHoweverWritesAreCut) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random{seed};
  std::uint64_t next = 1;
  std::vector<std::uint64_t> stream_order;
  std::vector<std::uint64_t> reply_order;
  const wire::shared_bytes large{std::string(5'000, 'y')};
  for (int round = 0; round < 2'000; ++round) {
    const auto kind = random() % 4;
    if (kind == 0) {
      reply(next, std::string(random() % 300, 'r'));
      reply_order.push_back(next++);
    } else if (kind == 1) {
      stream(next, std::string(random() % 300, 's'));
      stream_order.push_back(next++);
    } else if (kind == 2 && random() % 8 == 0) {
      queue.add_stream_message(next, large.view(), large);
      stream_order.push_back(next++);
    } else {
      wire->room = random() % 700;
      ASSERT_NE(queue.write(transport).outcome, net::io_outcome::failed);
    }
  }
  wire->room = std::numeric_limits<std::size_t>::max();
  ASSERT_EQ(queue.write(transport).outcome, net::io_outcome::done);
  std::vector<std::uint64_t> streams_written;
  std::vector<std::uint64_t> replies_written;
  for (const auto call : calls_written())
    (std::binary_search(reply_order.begin(), reply_order.end(), call) ? replies_written : streams_written)
        .push_back(call);
  EXPECT_EQ(streams_written, stream_order);
  EXPECT_EQ(replies_written, reply_order);
}

TEST_F(OutboundQueue, ForgetsEverythingWhenCleared) {
  reply(1, "x");
  stream(3, "y");
  queue.clear();
  EXPECT_TRUE(queue.empty());
  stream(5, "z");
  ASSERT_EQ(queue.write(transport).outcome, net::io_outcome::done);
  EXPECT_EQ(calls_written(), std::vector<std::uint64_t>{5});
}

}  // namespace
}  // namespace switchboard::link
