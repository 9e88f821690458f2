#include "frames.hpp"

#include <limits>

#include <gtest/gtest.h>

#include <switchboard/text/utf8.hpp>
#include <switchboard/wire/frame_encoder.hpp>

namespace switchboard::wire {
namespace {

/// Reads back with protobuf's own delimited reader; the stream must hold exactly one frame.
v1::Frame read_back(const std::string& stream) {
  google::protobuf::io::ArrayInputStream input(stream.data(), static_cast<int>(stream.size()));
  v1::Frame frame;
  bool clean_end = false;
  EXPECT_TRUE(google::protobuf::util::ParseDelimitedFromZeroCopyStream(&frame, &input, &clean_end));
  EXPECT_EQ(input.ByteCount(), static_cast<std::int64_t>(stream.size()));
  return frame;
}

constexpr std::uint64_t largest_call = std::numeric_limits<std::uint64_t>::max();

TEST(FrameEncoder, WritesAMessage) {
  for (const std::size_t size : {0, 1, 127, 128, 5000})
    for (const std::uint64_t call : {std::uint64_t{0}, std::uint64_t{1}, largest_call})
      for (const bool end : {false, true}) {
        std::string out;
        append_message(out, call, std::string(size, 'x'), end);
        v1::Frame expected;
        expected.set_call(call);
        expected.set_end(end);
        expected.set_message(std::string(size, 'x'));
        EXPECT_EQ(read_back(out).SerializeAsString(), expected.SerializeAsString());
        EXPECT_EQ(message_frame_size(call, size, end), expected.ByteSizeLong());
      }
}

TEST(FrameEncoder, WritesAHeaderThatThePayloadFollows) {
  std::string whole;
  append_message(whole, 9, "payload", true);
  std::string header;
  append_message_header(header, 9, 7, true);
  EXPECT_EQ(header + "payload", whole);
}

TEST(FrameEncoder, SerializesAMessageInPlace) {
  v1::Status payload;
  payload.set_message("serialized behind its header");
  std::string in_place = "before";
  append_message(in_place, 3, payload, payload.ByteSizeLong(), false);
  std::string copied = "before";
  append_message(copied, 3, payload.SerializeAsString(), false);
  EXPECT_EQ(in_place, copied);
}

TEST(FrameEncoder, WritesAnEnd) {
  std::string out;
  append_end(out, 5);
  const auto frame = read_back(out);
  EXPECT_EQ(frame.call(), 5u);
  EXPECT_TRUE(frame.end());
  EXPECT_FALSE(frame.has_message());
}

TEST(FrameEncoder, WritesAStatus) {
  std::string out;
  append_status(out, largest_call, 14, "gone");
  const auto frame = read_back(out);
  EXPECT_EQ(frame.call(), largest_call);
  EXPECT_EQ(frame.status().code(), 14);
  EXPECT_EQ(frame.status().message(), "gone");
}

TEST(FrameEncoder, WritesADetailOfAStatus) {
  google::protobuf::Any detail;
  detail.set_type_url("type.googleapis.com/example.Detail");
  detail.set_value(std::string(200, 'x'));
  std::string out;
  append_status(out, largest_call, 8, "slower", detail.SerializeAsString());
  const auto frame = read_back(out);
  EXPECT_EQ(frame.status().message(), "slower");
  ASSERT_EQ(frame.status().details_size(), 1);
  EXPECT_EQ(frame.status().details(0).type_url(), detail.type_url());
  EXPECT_EQ(frame.status().details(0).value(), detail.value());
}

TEST(FrameEncoder, WritesAnEmptyStatusThatIsThere) {
  std::string out;
  append_status(out, 0, 0, "");
  EXPECT_TRUE(read_back(out).has_status());
}

TEST(FrameEncoder, WritesANegativeCode) {
  std::string out;
  append_status(out, 1, -1, "");
  EXPECT_EQ(read_back(out).status().code(), -1);
}

TEST(FrameEncoder, CutsStatusTextBetweenCharacters) {
  std::string text(1023, 'x');
  text += "\u20ac and more";
  std::string out;
  append_status(out, 1, 3, text);
  EXPECT_EQ(read_back(out).status().message(), std::string(1023, 'x'));
}

TEST(FrameEncoder, MakesStatusTextUtf8) {
  std::string out;
  append_status(out, 1, 3, "bad \xff\xc3( byte");
  EXPECT_EQ(read_back(out).status().message(),
            "bad ?"
            "?( byte");
}

TEST(FrameEncoder, WritesCredit) {
  std::string out;
  append_credit(out, 7, std::numeric_limits<std::uint32_t>::max());
  EXPECT_EQ(read_back(out).credit(), std::numeric_limits<std::uint32_t>::max());
}

TEST(FrameEncoder, WritesAnOpeningFrame) {
  std::string out;
  append_open(out, 11, "switchboard.echo.v1.Echo/Repeat", std::string(300, 'x'), true, 64, 2500);
  const auto frame = read_back(out);
  EXPECT_EQ(frame.call(), 11u);
  EXPECT_EQ(frame.method(), "switchboard.echo.v1.Echo/Repeat");
  EXPECT_EQ(frame.message(), std::string(300, 'x'));
  EXPECT_TRUE(frame.end());
  EXPECT_EQ(frame.credit(), 64u);
  EXPECT_EQ(frame.timeout_ms(), 2500u);
}

TEST(FrameEncoder, LeavesTheEmptyRequestOut) {
  std::string out;
  append_open(out, 1, "a.B/C", "", false, 0, 0);
  EXPECT_FALSE(read_back(out).has_message());
}

TEST(FrameEncoder, AddsMetadataToTheLastFrameOnly) {
  // Sizes around those at which the frame's own size becomes a byte longer.
  for (const std::size_t size : {0, 1, 90, 100, 110, 120, 127, 128, 4000}) {
    const metadata pairs{{"first", std::string(size, 'v')}, {"second", {}}};
    std::string before;
    append_message(before, 1, "the frame before", true);
    std::string out = before;
    append_message(out, 3, "reply", true);
    add_metadata(out, before.size(), pairs.fields());
    ASSERT_TRUE(out.starts_with(before));
    v1::Frame expected;
    expected.set_call(3);
    expected.set_message("reply");
    expected.set_end(true);
    for (const auto& each : pairs) {
      auto* pair = expected.add_metadata();
      pair->set_key(std::string(each.key));
      pair->set_value(std::string(each.value));
    }
    EXPECT_EQ(read_back(out.substr(before.size())).SerializeAsString(), expected.SerializeAsString());
  }
}

TEST(FrameEncoder, AddsMetadataToAnyFrameThatOpensOrEndsACall) {
  const metadata pairs{{"key", "value"}};
  for (const auto& append : std::vector<void (*)(std::string&)>{
           [](std::string& out) { append_open(out, 1, "a.B/C", "request", true, 2, 3); },
           [](std::string& out) { append_end(out, 1); },
           [](std::string& out) { append_status(out, 1, 5, "not found"); },
       }) {
    std::string out;
    append(out);
    auto expected = read_back(out);
    expected.add_metadata()->set_key("key");
    expected.mutable_metadata(0)->set_value("value");
    add_metadata(out, 0, pairs.fields());
    EXPECT_EQ(read_back(out).SerializeAsString(), expected.SerializeAsString());
  }
}

TEST(FrameEncoder, LeavesAFrameAsItIsWithoutMetadata) {
  std::string out;
  append_end(out, 1);
  const auto before = out;
  add_metadata(out, 0, metadata{}.fields());
  EXPECT_EQ(out, before);
}

TEST(FrameEncoder, WritesAnyFrameAsProtobufDoes) {
  v1::Frame frame;
  frame.set_call(2);
  frame.set_method(std::string(200, 'm'));
  frame.mutable_status()->add_details()->set_value("detail");
  std::string out;
  append_frame(out, frame);
  EXPECT_EQ(out, delimited(frame));
}

TEST(FrameEncoder, AppendsFramesBehindOneAnother) {
  std::string out;
  append_open(out, 1, "a.B/C", "x", true, 0, 0);
  append_credit(out, 1, 5);
  append_end(out, 1);
  EXPECT_EQ(decode({out}).frames.size(), 3u);
}

}  // namespace
}  // namespace switchboard::wire
