// What field_cursor finds as a request's key, held against what protobuf parses.

#include <random>

#include <gtest/gtest.h>

#include <switchboard/actors/routing_key.hpp>
#include <switchboard/chat/v1/chat.pb.h>
#include <switchboard/echo/v1/echo.pb.h>

namespace switchboard::actors {
namespace {

using namespace std::string_literals;
using echo::v1::RepeatRequest;

routing_key key_of(const char* field) {
  return routing_key{*RepeatRequest::descriptor()->FindFieldByName(field)};
}

/// Fields 1 (payload, bytes) and 2 (times, uint32) are RepeatRequest's; the rest is unknown to it.
constexpr std::string_view hello = "\x0a\x05hello";

TEST(RoutingKey, IsTheFieldsValue) {
  EXPECT_EQ(key_of("payload").in(hello), "hello");
  EXPECT_EQ(key_of("times").in("\x10\x96\x01"), "150");
}

TEST(RoutingKey, IsEmptyWhereTheFieldIsAbsentOrZero) {
  EXPECT_EQ(key_of("payload").in(""), "");
  EXPECT_EQ(key_of("times").in(hello), "");
  EXPECT_EQ(key_of("times").in("\x10\x00"s), "");
}

TEST(RoutingKey, IsTheLastOfSeveralValues) {
  EXPECT_EQ(key_of("payload").in(std::string{hello} + "\x0a\x02" + "hi"), "hi");
  EXPECT_EQ(key_of("times").in("\x10\x01\x10\x00"s), "");
}

TEST(RoutingKey, StandsBehindFieldsThatTheMessageDoesNotKnow) {
  const auto varint = "\x18\xff\x01"s;
  const auto fixed64 = "\x21" + std::string(8, '\x0a');
  const auto fixed32 = "\x2d" + std::string(4, '\x0a');
  const auto packed = "\x32\x03\x0a\x01x"s;
  const auto group = "\x3b\x0a\x01y\x3c"s;
  EXPECT_EQ(key_of("payload").in(varint + fixed64 + fixed32 + packed + group + std::string{hello}), "hello");
}

TEST(RoutingKey, PassesOverItsNumberWithAnotherWireType) {
  EXPECT_EQ(key_of("payload").in("\x08\x07" + std::string{hello} + "\x08\x09"), "hello");
  EXPECT_EQ(key_of("times").in("\x10\x07\x12\x01z"), "7");
}

TEST(RoutingKey, CutsANumberToTheWidthOfItsType) {
  EXPECT_EQ(key_of("times").in("\x10\x87\x80\x80\x80\x10"), "7") << "2^32 + 7";
}

TEST(RoutingKey, IsWhatProtobufParses) {
  const auto seed = std::random_device{}();
  std::mt19937 random{seed};
  SCOPED_TRACE("seed " + std::to_string(seed));
  const std::string pieces[] = {std::string{hello},
                                "\x0a\x00"s,
                                "\x10\x05",
                                "\x10\x00"s,
                                "\x10\xff\xff\xff\xff\x7f",
                                "\x18\x01",
                                "\x2d\x01\x02\x03\x04",
                                "\x3b\x0a\x01y\x3c",
                                "\x12\x02xy",
                                "\x08\x07",
                                "\x0a\x01",
                                "\x3c"};
  const auto payload = key_of("payload");
  const auto times = key_of("times");
  int parsed = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes;
    for (auto left = random() % 6; left > 0; --left) bytes += pieces[random() % std::size(pieces)];
    RepeatRequest request;
    const bool parses = request.ParseFromString(bytes);
    const auto by_text = payload.in(bytes);
    const auto by_number = times.in(bytes);
    if (!parses) continue;
    ++parsed;
    ASSERT_EQ(by_text, request.payload());
    ASSERT_EQ(by_number, request.times() == 0 ? "" : std::to_string(request.times()));
  }
  EXPECT_GT(parsed, 1'000);
}

}  // namespace
}  // namespace switchboard::actors
