#include "frames.hpp"

#include <gtest/gtest.h>

namespace switchboard::wire {
namespace {

v1::Frame opening_frame() {
  v1::Frame frame;
  frame.set_call(300);
  frame.set_method("switchboard.echo.v1.Echo/Say");
  frame.set_message("payload");
  frame.set_end(true);
  frame.set_credit(70000);
  frame.set_timeout_ms(1500);
  for (const auto* value : {"first", "second"}) {
    auto* pair = frame.add_metadata();
    pair->set_key("key");
    pair->set_value(value);
  }
  return frame;
}

v1::Frame status_frame() {
  v1::Frame frame;
  frame.set_call(1);
  frame.mutable_status()->set_code(5);
  frame.mutable_status()->set_message("no such room: caf\u00e9");
  auto* detail = frame.mutable_status()->add_details();
  detail->set_type_url("type.googleapis.com/switchboard.v1.PingRequest");
  detail->set_value("\x0a\x01x");
  return frame;
}

std::string serialized(const std::vector<v1::Frame>& frames) {
  std::string out;
  for (const auto& frame : frames) out += delimited(frame);
  return out;
}

void expect_refused(std::string_view content) {
  const std::string stream = sized(content);
  const auto result = decode({stream});
  EXPECT_TRUE(result.frames.empty());
  EXPECT_EQ(result.error, make_error_code(errc::malformed_frame));
}

v1::Frame expect_one(std::string_view content) {
  const std::string stream = sized(content);
  const auto result = decode({stream});
  EXPECT_EQ(result.error, std::error_code());
  EXPECT_EQ(result.frames.size(), 1u);
  return result.frames.empty() ? v1::Frame() : result.frames.front();
}

TEST(FrameDecoder, ReadsEveryField) {
  const auto result = decode({delimited(opening_frame())});
  ASSERT_EQ(result.frames.size(), 1u);
  EXPECT_EQ(result.frames[0].SerializeAsString(), opening_frame().SerializeAsString());
  EXPECT_FALSE(result.inside_frame);
}

TEST(FrameDecoder, ReadsAStatusInPlace) {
  const auto result = decode({delimited(status_frame())});
  ASSERT_EQ(result.frames.size(), 1u);
  EXPECT_EQ(result.frames[0].SerializeAsString(), status_frame().SerializeAsString());
}

TEST(FrameDecoder, TellsAnEmptyMessageFromNone) {
  v1::Frame frame;
  frame.set_call(1);
  EXPECT_FALSE(decode({delimited(frame)}).frames.at(0).has_message());
  frame.set_message("");
  EXPECT_TRUE(decode({delimited(frame)}).frames.at(0).has_message());
}

TEST(FrameDecoder, GivesSeveralFramesOfOneChunkInOrder) {
  const auto result = decode({serialized({opening_frame(), status_frame(), opening_frame()})});
  ASSERT_EQ(result.frames.size(), 3u);
  EXPECT_TRUE(result.frames[1].has_status());
}

TEST(FrameDecoder, GivesTheSameFramesWhereverTheBytesAreCut) {
  const std::string stream = serialized({opening_frame(), status_frame(), opening_frame()});
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    SCOPED_TRACE(cut);
    const auto result = decode({std::string_view(stream).substr(0, cut), std::string_view(stream).substr(cut)});
    ASSERT_EQ(result.frames.size(), 3u);
    EXPECT_EQ(result.frames[0].SerializeAsString(), opening_frame().SerializeAsString());
    EXPECT_EQ(result.frames[1].SerializeAsString(), status_frame().SerializeAsString());
    EXPECT_EQ(result.frames[2].SerializeAsString(), opening_frame().SerializeAsString());
    EXPECT_FALSE(result.inside_frame);
  }
}

TEST(FrameDecoder, GoesOnWithARestThatItGaveBack) {
  v1::Frame first, second;
  first.set_call(1);
  second.set_call(3);
  second.set_message("cut in the middle");
  const auto stream = delimited(first) + delimited(second);
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    frame_decoder decoder;
    decoded result;
    feed(decoder, std::string_view{stream}.substr(0, cut), result);
    const auto piece = std::as_bytes(std::span{stream}).subspan(cut);
    decoder.feed(piece);
    const auto rest = decoder.take_rest();
    EXPECT_EQ(rest.size(), piece.size());
    EXPECT_TRUE(decoder.take_rest().empty());
    feed(decoder, {reinterpret_cast<const char*>(rest.data()), rest.size()}, result);
    EXPECT_EQ(result.frames.size(), 2u) << "cut at " << cut;
  }
}

TEST(FrameDecoder, GivesTheSameFramesByteByByte) {
  v1::Frame large = opening_frame();
  large.set_message(std::string(1000, 'x'));
  const std::string stream = serialized({opening_frame(), large, status_frame()});
  frame_decoder decoder;
  decoded result;
  for (const char& byte : stream) feed(decoder, {&byte, 1}, result);
  ASSERT_EQ(result.frames.size(), 3u);
  EXPECT_EQ(result.frames[1].message(), large.message());
}

TEST(FrameDecoder, WaitsWhenVarintIsSplit) {
  v1::Frame large = opening_frame();
  large.set_message(std::string(1000, 'x'));
  const std::string stream = delimited(large);
  const auto waiting = decode({std::string_view(stream).substr(0, 1)});
  EXPECT_TRUE(waiting.frames.empty());
  EXPECT_TRUE(waiting.inside_frame);
  EXPECT_EQ(waiting.error, std::error_code());
}

TEST(FrameDecoder, SaysThatItStandsInsideAFrame) {
  const std::string stream = delimited(opening_frame());
  for (std::size_t cut = 1; cut < stream.size(); ++cut)
    EXPECT_TRUE(decode({std::string_view(stream).substr(0, cut)}).inside_frame) << cut;
  EXPECT_FALSE(frame_decoder().inside_frame());
}

TEST(FrameDecoder, PassesOverEmptyFrames) {
  const auto result = decode({bytes({0, 0, 0}), bytes({0}) + delimited(opening_frame()) + bytes({0})});
  EXPECT_EQ(result.frames.size(), 1u);
  EXPECT_FALSE(result.inside_frame);
}

TEST(FrameDecoder, PassesOverAPaddedEmptyFrame) {
  const auto result = decode({bytes({0x80, 0x00}) + delimited(opening_frame())});
  EXPECT_EQ(result.frames.size(), 1u);
}

TEST(FrameDecoder, AllowsAPaddedSize) {
  const std::string frame = opening_frame().SerializeAsString();
  const auto padded = bytes({static_cast<int>(frame.size() | 0x80), 0x80, 0x80, 0x80, 0x00}) + frame;
  for (std::size_t cut = 0; cut <= padded.size(); ++cut)
    EXPECT_EQ(decode({padded.substr(0, cut), padded.substr(cut)}).frames.size(), 1u) << cut;
}

TEST(FrameDecoder, TakesAFrameOfExactlyTheLimit) {
  v1::Frame frame = opening_frame();
  EXPECT_EQ(decode({delimited(frame)}, frame.ByteSizeLong()).frames.size(), 1u);
}

TEST(FrameDecoder, RefusesAFrameAboveTheLimitBeforeItsBytesCome) {
  v1::Frame frame = opening_frame();
  const auto result = decode({delimited(frame).substr(0, 1)}, frame.ByteSizeLong() - 1);
  EXPECT_EQ(result.error, make_error_code(errc::frame_too_large));
}

TEST(FrameDecoder, RefusesTheLargestSizeOf32Bits) {
  EXPECT_EQ(decode({bytes({0xff, 0xff, 0xff, 0xff, 0x0f})}).error, make_error_code(errc::frame_too_large));
}

TEST(FrameDecoder, TakesFiveBytesAbove32BitsForASizeAboveTheLimit) {
  EXPECT_EQ(decode({bytes({0x80, 0x80, 0x80, 0x80, 0x10})}).error, make_error_code(errc::frame_too_large));
  EXPECT_EQ(decode({bytes({0xff, 0xff, 0xff, 0xff, 0x7f})}).error, make_error_code(errc::frame_too_large));
}

TEST(FrameDecoder, RefusesASizeThatDoesNotEndWithinFiveBytes) {
  EXPECT_EQ(decode({bytes({0x80, 0x80, 0x80, 0x80, 0x80})}).error, make_error_code(errc::malformed_varint));
  EXPECT_EQ(decode({bytes({0xff, 0xff, 0xff}), bytes({0xff, 0xff, 0x01})}).error,
            make_error_code(errc::malformed_varint));
}

TEST(FrameDecoder, GivesTheFramesBeforeTheFault) {
  const auto result = decode({delimited(opening_frame()) + sized(bytes({0}))});
  EXPECT_EQ(result.frames.size(), 1u);
  EXPECT_EQ(result.error, make_error_code(errc::malformed_frame));
}

TEST(FrameDecoder, StaysFailed) {
  frame_decoder decoder;
  decoded result;
  feed(decoder, sized(bytes({0})), result);
  feed(decoder, delimited(opening_frame()), result);
  EXPECT_TRUE(result.frames.empty());
  EXPECT_EQ(result.error, make_error_code(errc::malformed_frame));
}

TEST(FrameDecoder, DoesNotTrustTheClaimedSize) {
  frame_decoder decoder;
  decoded result;
  feed(decoder, bytes({0x80, 0x80, 0x40, 0x0a, 0x01}), result);  // claims 1 MiB, of which two bytes arrive
  EXPECT_TRUE(result.inside_frame);
  EXPECT_LE(decoder.held_bytes(), 4u);
}

TEST(FrameDecoder, DropsThePartOfAFrameWhoseRestWillNotCome) {
  v1::Frame large = opening_frame();
  large.set_message(std::string(100'000, 'x'));
  frame_decoder decoder;
  decoded result;
  feed(decoder, delimited(large).substr(0, 50'000), result);
  EXPECT_GE(decoder.held_bytes(), 49'000u);
  decoder.drop_partial();
  EXPECT_EQ(decoder.held_bytes(), 0u);
  EXPECT_FALSE(decoder.inside_frame());
}

TEST(FrameDecoder, CountsAStatusThatItMergedAndDropsIt) {
  const std::string text(100'000, 'x');
  v1::Frame once;
  once.mutable_status()->set_message(text);
  const auto stream = sized(once.SerializeAsString() + once.SerializeAsString());
  frame_decoder decoder;
  frame_view frame;
  decoder.feed(std::as_bytes(std::span{stream}));
  ASSERT_EQ(decoder.next(frame), frame_decoder::outcome::frame);
  EXPECT_GE(decoder.held_bytes(), text.size());
  decoder.drop_partial();
  EXPECT_EQ(decoder.held_bytes(), 0u);
}

TEST(FrameDecoder, HoldsAtMostTwiceWhatHasArrived) {
  v1::Frame large = opening_frame();
  large.set_message(std::string(100000, 'x'));
  const std::string stream = delimited(large);
  frame_decoder decoder;
  decoded result;
  for (std::size_t at = 0; at < stream.size(); at += 777) {
    feed(decoder, std::string_view(stream).substr(at, 777), result);
    EXPECT_LE(decoder.held_bytes(), std::min(2 * (at + 777), stream.size()));
  }
  EXPECT_EQ(result.frames.size(), 1u);
}

TEST(FrameDecoder, HoldsNothingForASplitSize) {
  frame_decoder decoder;
  decoded result;
  feed(decoder, bytes({0x80, 0x80}), result);
  EXPECT_TRUE(result.inside_frame);
  EXPECT_EQ(decoder.held_bytes(), 0u);
}

TEST(FrameDecoder, HoldsNothingWhileIdle) {
  const std::string stream = delimited(opening_frame());
  frame_decoder decoder;
  decoded result;
  feed(decoder, stream.substr(0, 20), result);
  EXPECT_GT(decoder.held_bytes(), 0u);
  feed(decoder, stream.substr(20), result);
  EXPECT_EQ(result.frames.size(), 1u);
  EXPECT_EQ(decoder.held_bytes(), 0u);
}

TEST(FrameDecoder, LetsALargeBufferGoForASmallFrame) {
  v1::Frame large = opening_frame();
  large.set_message(std::string(100000, 'x'));
  const std::string stream = delimited(large) + delimited(opening_frame());
  frame_decoder decoder;
  decoded result;
  feed(decoder, std::string_view(stream).substr(0, 90000), result);
  feed(decoder, std::string_view(stream).substr(90000, stream.size() - 90000 - 5), result);
  EXPECT_EQ(result.frames.size(), 1u);
  EXPECT_LE(decoder.held_bytes(), 2 * opening_frame().ByteSizeLong());
}

TEST(FrameDecoder, RefusesAStreamThatBeginsAsHttpAtItsFourthByte) {
  const auto result = decode({"GET "});
  EXPECT_EQ(result.error, make_error_code(errc::malformed_frame));
}

TEST(FrameDecoder, RefusesAStreamThatBeginsAsHttpHoweverItIsCut) {
  const std::string request =
      "GET / HTTP/1.1\r\nHost: chat.example\r\nUser-Agent: a browser that has come to the port\r\n\r\n";
  ASSERT_GT(request.size(), std::size_t{'G'} + 1);
  for (std::size_t cut = 0; cut < 80; ++cut) {
    const auto result = decode({request.substr(0, cut), request.substr(cut)});
    EXPECT_EQ(result.error, make_error_code(errc::malformed_frame)) << "cut at " << cut;
    EXPECT_TRUE(result.frames.empty());
  }
  frame_decoder decoder;
  decoded result;
  for (const char byte : std::string_view("GET ")) {
    EXPECT_FALSE(result.error);
    feed(decoder, {&byte, 1}, result);
  }
  EXPECT_EQ(result.error, make_error_code(errc::malformed_frame));
}

TEST(FrameDecoder, TakesAFirstFrameOfTheSizeThatHttpSeemsToHave) {
  v1::Frame frame;
  frame.set_message(std::string('G' - 2, 'E'));
  ASSERT_EQ(frame.ByteSizeLong(), std::size_t{'G'});
  EXPECT_EQ(decode({delimited(frame)}).frames.size(), 1u);
}

TEST(FrameDecoder, TakesTheBytesOfHttpWhereTheyDoNotBeginTheStream) {
  const std::string content = "ET " + std::string(2, ' ') + std::string('G' - 5, '\x20');
  ASSERT_EQ(content.size(), std::size_t{'G'});
  for (const auto& before : {bytes({0}), delimited(opening_frame())}) {
    const auto result = decode({before, sized(content)});
    EXPECT_FALSE(result.error) << result.error.message();
    EXPECT_FALSE(result.frames.empty());
  }
}

// What protobuf's parser makes of unusual bytes, spelled out; frame_differential_test compares at random.

TEST(FrameContent, TheLastOfRepeatedScalarsWins) {
  v1::Frame second = opening_frame();
  second.set_call(7);
  second.set_method("b.B/B");
  second.set_message("second");
  const auto frame = expect_one(opening_frame().SerializeAsString() + second.SerializeAsString());
  EXPECT_EQ(frame.call(), 7u);
  EXPECT_EQ(frame.method(), "b.B/B");
  EXPECT_EQ(frame.message(), "second");
}

TEST(FrameContent, AnExplicitFalseOverridesEnd) {
  EXPECT_FALSE(expect_one(bytes({0x20, 1, 0x20, 0})).end());
}

TEST(FrameContent, RepeatedStatusesMerge) {
  v1::Frame second;
  second.mutable_status()->set_code(9);
  v1::Frame third;
  third.mutable_status()->set_message("third");
  const std::string content =
      status_frame().SerializeAsString() + second.SerializeAsString() + third.SerializeAsString();
  const auto frame = expect_one(content);
  EXPECT_EQ(frame.status().code(), 9);
  EXPECT_EQ(frame.status().message(), "third");
  EXPECT_EQ(frame.status().details_size(), 1);
}

TEST(FrameContent, ASecondStatusWithoutFieldsChangesNothing) {
  v1::Frame empty;
  empty.mutable_status();
  const auto frame = expect_one(status_frame().SerializeAsString() + empty.SerializeAsString());
  EXPECT_EQ(frame.SerializeAsString(), status_frame().SerializeAsString());
}

TEST(FrameContent, AnEmptyStatusIsAStatus) {
  const auto frame = expect_one(bytes({0x2a, 0}));
  EXPECT_TRUE(frame.has_status());
  EXPECT_EQ(frame.status().code(), 0);
}

TEST(FrameContent, TruncatesNumbersOf32BitsAsProtobufDoes) {
  // credit, ten bytes of all ones
  const auto frame = expect_one(bytes({0x30, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}));
  EXPECT_EQ(frame.credit(), 0xffffffffu);
}

TEST(FrameContent, AllowsPaddedTagsAndLengths) {
  const auto frame = expect_one(bytes({0x88, 0x80, 0x00, 0x05, 0x9a, 0x00, 0x82, 0x00, 'h', 'i'}));
  EXPECT_EQ(frame.call(), 5u);
  EXPECT_EQ(frame.message(), "hi");
}

TEST(FrameContent, SkipsUnknownFieldsOfEveryWireType) {
  const auto frame = expect_one(bytes({0x40, 0x96, 0x01,                             // 8: varint
                                       0x49, 1,    2,    3,    4,    5,    6, 7, 8,  // 9: fixed64
                                       0x52, 2,    'x',  'y',                        // 10: length-delimited
                                       0x5b, 0x08, 1,    0x13, 0x14, 0x5c,           // 11: group with a group in it
                                       0x65, 1,    2,    3,    4,                    // 12: fixed32
                                       0x08, 9}));
  EXPECT_EQ(frame.call(), 9u);
}

TEST(FrameContent, TakesAWrongWireTypeForAnUnknownField) {
  const auto frame = expect_one(bytes({0x0a, 1, 'x', 0x10, 1, 0x25, 1, 2, 3, 4, 0x28, 1}));
  EXPECT_EQ(frame.call(), 0u);
  EXPECT_TRUE(frame.method().empty());
  EXPECT_FALSE(frame.end());
  EXPECT_FALSE(frame.has_status());
}

TEST(FrameContent, RefusesAZeroTag) {
  expect_refused(bytes({0x00, 0x00}));
}
TEST(FrameContent, RefusesFieldNumberZero) {
  expect_refused(bytes({0x02, 0x00}));
}
TEST(FrameContent, RefusesAnUnmatchedEndGroup) {
  expect_refused(bytes({0x08, 1, 0x5c}));
}
TEST(FrameContent, RefusesAGroupWithoutItsEnd) {
  expect_refused(bytes({0x5b, 0x08, 1}));
}
TEST(FrameContent, RefusesAGroupEndedByAnothersEnd) {
  expect_refused(bytes({0x5b, 0x64}));
}
TEST(FrameContent, RefusesWireTypesSixAndSeven) {
  expect_refused(bytes({0x46, 1}));
  expect_refused(bytes({0x47, 1}));
}
TEST(FrameContent, RefusesATruncatedTag) {
  expect_refused(bytes({0x88}));
}
TEST(FrameContent, RefusesATruncatedVarint) {
  expect_refused(bytes({0x08, 0x80}));
}
TEST(FrameContent, RefusesAVarintOfElevenBytes) {
  expect_refused(bytes({0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}));
}
TEST(FrameContent, RefusesALengthBeyondTheFrame) {
  expect_refused(bytes({0x1a, 3, 'h', 'i'}));
}
TEST(FrameContent, RefusesATruncatedFixedField) {
  expect_refused(bytes({0x49, 1, 2, 3, 4, 5, 6, 7}));
  expect_refused(bytes({0x65, 1, 2, 3}));
}
TEST(FrameContent, RefusesAMethodThatIsNotUtf8) {
  expect_refused(bytes({0x12, 2, 0xc3, 0x28}));
}
TEST(FrameContent, RefusesABadMethodEvenIfALaterOneIsGood) {
  expect_refused(bytes({0x12, 1, 0xff, 0x12, 1, 'a'}));
}
TEST(FrameContent, RefusesAStatusWhoseMessageIsNotUtf8) {
  expect_refused(bytes({0x2a, 3, 0x12, 1, 0xff}));
}
TEST(FrameContent, RefusesADetailWhoseTypeIsNotUtf8) {
  expect_refused(bytes({0x2a, 5, 0x1a, 3, 0x0a, 1, 0xff}));
}
TEST(FrameContent, RefusesAStatusThatDoesNotParse) {
  expect_refused(bytes({0x2a, 2, 0x12, 5}));
}
TEST(FrameContent, RefusesStatusesThatParseOnlyTogether) {
  // The first stops inside its message, the second holds the rest.
  expect_refused(bytes({0x2a, 3, 0x12, 2, 'a', 0x2a, 1, 'b'}));
}

TEST(FrameContent, KeepsMetadataInItsOrderWhateverComesBetween) {
  v1::Frame first;
  first.add_metadata()->set_key("a");
  v1::Frame second = opening_frame();
  const auto frame = expect_one(first.SerializeAsString() + second.SerializeAsString() + first.SerializeAsString());
  ASSERT_EQ(frame.metadata_size(), 4);
  EXPECT_EQ(frame.metadata(0).key(), "a");
  EXPECT_EQ(frame.metadata(1).value(), "first");
  EXPECT_EQ(frame.metadata(2).value(), "second");
  EXPECT_EQ(frame.metadata(3).key(), "a");
}

TEST(FrameContent, AnEmptyPairOfMetadataIsAPair) {
  EXPECT_EQ(expect_one(bytes({0x4a, 0})).metadata_size(), 1);
}

TEST(FrameContent, TheLastKeyAndValueOfAPairWin) {
  const auto frame = expect_one(bytes({0x4a, 12, 0x0a, 1, 'a', 0x12, 1, 'b', 0x0a, 1, 'c', 0x12, 1, 'd'}));
  ASSERT_EQ(frame.metadata_size(), 1);
  EXPECT_EQ(frame.metadata(0).key(), "c");
  EXPECT_EQ(frame.metadata(0).value(), "d");
}

TEST(FrameContent, RefusesAKeyOfMetadataThatIsNotUtf8) {
  expect_refused(bytes({0x4a, 3, 0x0a, 1, 0xff}));
  expect_refused(bytes({0x4a, 6, 0x0a, 1, 0xff, 0x0a, 1, 'a'}));
}
TEST(FrameContent, TakesAValueOfMetadataThatIsNotUtf8) {
  EXPECT_EQ(expect_one(bytes({0x4a, 3, 0x12, 1, 0xff})).metadata(0).value(), "\xff");
}
TEST(FrameContent, RefusesMetadataThatDoesNotParse) {
  expect_refused(bytes({0x4a, 2, 0x12, 5}));
  expect_refused(bytes({0x4a, 5, 0x12, 1}));
}

TEST(FrameContent, CountsMetadataAsALevel) {
  const auto nested = [](int groups) {
    return bytes({0x4a}) + sized(std::string(groups, 0x5b) + std::string(groups, 0x5c));
  };
  expect_one(nested(99));
  expect_refused(nested(100));
}

TEST(FrameContent, AllowsAHundredLevelsOfGroupsAndNoMore) {
  const std::string hundred = std::string(100, 0x5b) + std::string(100, 0x5c);
  expect_one(hundred);
  expect_refused(std::string(101, 0x5b) + std::string(101, 0x5c));
}

TEST(FrameContent, CountsAStatusAndItsDetailsAsLevels) {
  const auto nested = [](int groups) {
    const std::string detail = std::string(groups, 0x5b) + std::string(groups, 0x5c);
    const std::string status = bytes({0x1a}) + sized(detail);
    return bytes({0x2a}) + sized(status);
  };
  expect_one(nested(98));
  expect_refused(nested(99));
}

}  // namespace
}  // namespace switchboard::wire
