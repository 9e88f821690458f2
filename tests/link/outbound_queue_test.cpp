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
  /// A frame of so many bytes in a string with room for more.
  static std::string with_room(std::size_t bytes, std::size_t room) {
    std::string frame;
    frame.reserve(room);
    frame.append(bytes, 'f');
    return frame;
  }
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

TEST_F(OutboundQueue, HoldsAllTheRoomOfWhatItWasGiven) {
  reply(1, "x");
  queue.add_replies(with_room(5'000, 9'000), 1);
  EXPECT_GE(queue.held_bytes(), 9'000u);
}

TEST_F(OutboundQueue, KeepsNoRoomThatIsMostlyUnused) {
  reply(1, "x");
  for (int n = 0; n < 100; ++n) queue.add_replies(with_room(2'000, 60'000), 1);
  EXPECT_LE(queue.held_bytes(), 3 * queue.bytes());
}

TEST_F(OutboundQueue, HoldsWhatOthersOwnTooWhileItIsQueued) {
  const wire::shared_bytes large{std::string(100'000, 'x')};
  queue.add_stream_message(1, large.view(), large);
  EXPECT_GE(queue.held_bytes(), 100'000u);
}

TEST_F(OutboundQueue, HoldsNothingWhenAllIsWritten) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random{seed};
  const wire::shared_bytes large{std::string(5'000, 'y')};
  for (int round = 0; round < 200; ++round) {
    for (int frames = 0; frames < 20; ++frames) {
      const auto kind = random() % 4;
      if (kind == 0)
        reply(1, std::string(random() % 3'000, 'r'));
      else if (kind == 1)
        stream(3, std::string(random() % 3'000, 's'));
      else if (kind == 2)
        queue.add_stream_message(5, large.view(), large);
      else
        queue.add_replies(with_room(random() % 3'000 + 1, random() % 9'000), 1);
      wire->room = random() % 4'000;
      (void)queue.write(transport);
      ASSERT_GE(queue.held_bytes(), queue.bytes());
    }
    wire->room = std::numeric_limits<std::size_t>::max() / 2;
    ASSERT_EQ(queue.write(transport).outcome, net::io_outcome::done);
    ASSERT_EQ(queue.held_bytes(), 0u);
  }
  // Nor is anything left over in what it counts: what is queued next counts for itself.
  reply(1, std::string(100, 'r'));
  EXPECT_LE(queue.held_bytes(), 64'000u);
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
