// A stream whose reader stands still: what it costs others, and that nothing of it is lost.

#include "kinds_service.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>

#include <gtest/gtest.h>
#include <kinds.client.hpp>
#include <unistd.h>

#include <switchboard/testkit/frame_channel.hpp>
#include <switchboard/testkit/live_server.hpp>
#include <switchboard/v1/frame.pb.h>
#include <switchboard/wire/frame_encoder.hpp>

/// What the program has allocated and not freed, where a sanitizer keeps count: it holds freed memory back, so that what
/// is resident says little.
extern "C" [[gnu::weak]] std::size_t __sanitizer_get_current_allocated_bytes();

namespace switchboard {
namespace {

using namespace std::chrono_literals;
constexpr auto patience = 20s;

std::size_t memory_in_use() {
  if (__sanitizer_get_current_allocated_bytes) return __sanitizer_get_current_allocated_bytes();
  std::ifstream statm{"/proc/self/statm"};
  std::size_t all = 0;
  std::size_t resident = 0;
  statm >> all >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

TEST(FlowControl, AReaderThatStopsDelaysNoOtherCallAndLosesNothing) {
  constexpr std::uint64_t messages = 1'000'000;
  constexpr std::uint64_t stops_after = messages / 2;
  constexpr int calls_beside = 10'000;
  // What may come and go: buffers, the allocator's. A queue of the messages that are due would be tens of megabytes.
  constexpr std::size_t slack_bytes = std::size_t{8} << 20;

  testkit::live_server server;
  server.add(Kinds::service<kinds_service>(std::make_shared<witness>()));
  auto connection = server.connect();
  Kinds::stub kinds{connection};
  auto flood = kinds.flood(Order{}, {.window = 256});
  Done done;
  std::uint64_t expected = 1;
  const auto read_to = [&](std::uint64_t last) {
    for (; expected <= last; ++expected) {
      ASSERT_TRUE(flood.next(done, client::within(patience)).has_message()) << "at " << expected;
      ASSERT_EQ(done.number(), expected);
    }
  };
  read_to(stops_after);

  // The reader stands still; the connection carries other calls.
  const auto before = memory_in_use();
  std::vector<client::clock::duration> took;
  for (int i = 0; i < calls_beside; ++i) {
    const auto began = client::clock::now();
    ASSERT_TRUE(kinds.unary(Order{}, client::within(patience)).get());
    took.push_back(client::clock::now() - began);
  }
  const auto after = memory_in_use();
  std::sort(took.begin(), took.end());
  const auto in_us = [](auto span) { return std::chrono::duration<double, std::micro>(span).count(); };
  std::printf(
      "%d calls beside a stream that stands still: p50 %.0f us, p99 %.0f us; memory %.1f MiB before, %.1f after\n",
      calls_beside, in_us(took[took.size() / 2]), in_us(took[took.size() * 99 / 100]),
      static_cast<double>(before) / (1 << 20), static_cast<double>(after) / (1 << 20));
  EXPECT_LT(after, before + slack_bytes);

  // And goes on: whole, in order.
  read_to(messages);
}

TEST(FlowControl, AStreamWithoutCreditIsRefusedAndToldNotQueued) {
  testkit::live_server server;
  const auto sees = std::make_shared<witness>();
  server.add(Kinds::service<kinds_service>(sees));
  auto connection = server.connect();
  auto flood = connection.open(client::method_of<Kinds::flood>(), Order{}, {.credit = 3});
  Done done;
  for (std::uint64_t i = 1; i <= 3; ++i) {
    ASSERT_TRUE(flood.next(done, client::within(patience)).has_message());
    EXPECT_EQ(done.number(), i);
  }
  // After the answer to a later call nothing of the stream is in flight any more.
  ASSERT_TRUE(connection.call(Kinds::unary::name, Order{}, done, client::within(patience)).ok());
  EXPECT_TRUE(flood.next(done, client::no_wait).timed_out());
  flood.grant(2);
  for (std::uint64_t i = 4; i <= 5; ++i) {
    ASSERT_TRUE(flood.next(done, client::within(patience)).has_message());
    EXPECT_EQ(done.number(), i);
  }
}

TEST(FlowControl, MessagesBeyondTheGrantedCreditEndTheirCall) {
  testkit::live_server server;
  server.add(Kinds::service<kinds_service>(std::make_shared<witness>()));
  auto channel = testkit::frame_channel::connect(server.endpoint(), client::within(patience));
  ASSERT_TRUE(channel);
  v1::Frame opening;
  opening.set_call(1);
  opening.set_method(std::string(Kinds::taking::name));
  ASSERT_FALSE(channel->send(opening, client::within(patience)));
  v1::Frame granted;
  ASSERT_FALSE(channel->receive(granted, client::within(patience)));
  ASSERT_GT(granted.credit(), 0u);
  Order order;
  order.set_mood(Order::HOLD);
  v1::Frame message;
  message.set_call(1);
  order.SerializeToString(message.mutable_message());
  // All of them leave before the service can grant more than it has.
  std::string burst;
  for (std::uint32_t i = 0; i <= 3 * granted.credit(); ++i) wire::append_frame(burst, message);
  ASSERT_FALSE(channel->send_bytes(burst, client::within(patience)));
  v1::Frame end;
  do {
    ASSERT_FALSE(channel->receive(end, client::within(patience)));
  } while (!end.has_status());
  EXPECT_EQ(end.status().code(), static_cast<int>(rpc::code::resource_exhausted));
}

}  // namespace
}  // namespace switchboard
