#include "frames.hpp"

#include <array>
#include <random>

#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

namespace switchboard::wire {
namespace {

/// Protobuf writes a line for each bad string; thousands of them would hide the test's own output.
class quiet_protobuf {
  google::protobuf::LogSilencer silencer_;
};

class frame_source {
public:
  explicit frame_source(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t bound) { return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_); }
  bool chance(int percent) { return below(100) < static_cast<std::size_t>(percent); }

  v1::Frame frame() {
    v1::Frame made;
    if (chance(90)) made.set_call(number());
    if (chance(30)) made.set_method(text());
    if (chance(60)) made.set_message(raw());
    if (chance(30)) made.set_end(true);
    if (chance(20)) made.set_credit(static_cast<std::uint32_t>(number()));
    if (chance(20)) made.set_timeout_ms(static_cast<std::uint32_t>(number()));
    if (chance(25)) {
      auto* status = made.mutable_status();
      if (chance(80)) status->set_code(static_cast<int>(below(18)) - 1);
      if (chance(60)) status->set_message(text());
      while (chance(40)) {
        auto* detail = status->add_details();
        detail->set_type_url(text());
        detail->set_value(raw());
      }
    }
    while (chance(30)) {
      auto* pair = made.add_metadata();
      if (chance(90)) pair->set_key(text());
      if (chance(80)) pair->set_value(raw());
    }
    return made;
  }

  /// Bytes that are nearly a frame: one or two frames' fields, with fields no one knows, then disturbed.
  std::string content() {
    std::string made = frame().SerializeAsString();
    if (chance(20)) made += frame().SerializeAsString();
    while (chance(25)) made += unknown_field();
    const auto disturbances = below(4);
    for (std::size_t i = 0; i < disturbances; ++i) disturb(made);
    return made;
  }

private:
  std::uint64_t number() {
    static constexpr std::array<std::uint64_t, 8> edges{0, 1, 127, 128, 0xffffffff, 0x100000000, ~0ull >> 1, ~0ull};
    return chance(50) ? edges[below(edges.size())] : below(100000);
  }
  std::string text() {
    static constexpr std::array<std::string_view, 8> pieces{
        "a", "switchboard.", "\xc3\xa9", "/Say", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xed\x9f\xbf", "12345678"};
    std::string made;
    while (chance(70)) made += pieces[below(pieces.size())];
    return made;
  }
  std::string raw() {
    std::string made(below(40), '\0');
    for (auto& byte : made) byte = static_cast<char>(below(256));
    return made;
  }
  std::string unknown_field() {
    static const std::array<std::string, 11> fields{
        bytes({0x40, 0x96, 0x01}), bytes({0x45, 'T', ' ', '/', ' '}), bytes({0x49, 1, 2, 3, 4, 5, 6, 7, 8}),
        // Metadata with fields twice, and with some that it does not know.
        bytes({0x4a, 9, 0x0a, 1, 'a', 0x12, 1, 'b', 0x0a, 1, 'c'}), bytes({0x4a, 7, 0x1b, 0x08, 1, 0x1c, 0x12, 1, 'v'}),
        bytes({0x52, 2, 'x', 'y'}), bytes({0x5b, 0x08, 1, 0x5c}), bytes({0x65, 1, 2, 3, 4}),
        bytes({0x0b, 0x13, 0x14, 0x0c}), bytes({0x88, 0x00, 0x07}), bytes({0xa8, 0x80, 0x80, 0x80, 0x70, 0x01})};
    return fields[below(fields.size())];
  }
  void disturb(std::string& made) {
    if (made.empty()) return;
    const auto at = below(made.size());
    switch (below(6)) {
      case 0:
        made[at] = static_cast<char>(below(256));
        break;
      case 1:
        made[at] = static_cast<char>(made[at] ^ (1 << below(8)));
        break;
      case 2:
        made.erase(at, 1 + below(3));
        break;
      case 3:
        made.insert(at, 1 + below(3), static_cast<char>(below(256)));
        break;
      case 4:
        made.resize(at);
        break;
      case 5:
        made.insert(at, made.substr(below(made.size()), below(12)));
        break;
    }
  }

  std::mt19937_64 random_;
};

class FrameDifferential : public testing::Test {
protected:
  // Another seed each run, so that runs add up; a failure prints it.
  const std::uint64_t seed_ = std::random_device{}();
  quiet_protobuf quiet_;
};

TEST_F(FrameDifferential, AcceptsWhatProtobufAcceptsAndReadsTheSame) {
  SCOPED_TRACE(testing::Message() << "seed " << seed_);
  RecordProperty("seed", std::to_string(seed_));
  frame_source source(seed_);
  int accepted = 0;
  constexpr int rounds = 200000;
  for (int i = 0; i < rounds; ++i) {
    const std::string content = source.content();
    v1::Frame expected;
    const bool expect_accepted = expected.ParseFromString(content);
    frame_view view;
    std::string merged_status;
    ASSERT_EQ(parse_frame(content, view, merged_status), expect_accepted)
        << "round " << i << ": " << testing::PrintToString(content);
    if (!expect_accepted) continue;
    ++accepted;
    expected.DiscardUnknownFields();
    auto read = to_message(view);
    read.DiscardUnknownFields();
    ASSERT_EQ(read.SerializeAsString(), expected.SerializeAsString())
        << "round " << i << ": " << testing::PrintToString(content);
  }
  // The test means something only if there were many of both kinds.
  EXPECT_GT(accepted, rounds / 10);
  EXPECT_LT(accepted, rounds * 9 / 10);
}

TEST_F(FrameDifferential, ReadsStreamsWrittenByProtobufHoweverCut) {
  SCOPED_TRACE(testing::Message() << "seed " << seed_);
  frame_source source(seed_);
  for (int round = 0; round < 500; ++round) {
    std::string stream;
    std::vector<v1::Frame> written;
    const auto count = 1 + source.below(20);
    for (std::size_t i = 0; i < count; ++i) {
      written.push_back(source.frame());
      stream += delimited(written.back());
    }
    frame_decoder decoder;
    decoded result;
    for (std::size_t at = 0; at < stream.size();) {
      const auto size = 1 + source.below(source.chance(50) ? 4 : 200);
      feed(decoder, std::string_view(stream).substr(at, size), result);
      at += size;
    }
    std::erase_if(written, [](const v1::Frame& frame) { return frame.ByteSizeLong() == 0; });
    ASSERT_EQ(result.frames.size(), written.size());
    for (std::size_t i = 0; i < written.size(); ++i)
      ASSERT_EQ(result.frames[i].SerializeAsString(), written[i].SerializeAsString());
    ASSERT_EQ(decoder.held_bytes(), 0u);
  }
}

}  // namespace
}  // namespace switchboard::wire
