#include <chat_codec.hpp>
#include <chat_service.hpp>
#include <gtest/gtest.h>

#include <switchboard/chat/v1/chat.pb.h>

namespace switchboard::chat {
namespace {

using namespace v1;

RoomEvent parsed(const wire::shared_bytes& bytes) {
  RoomEvent event;
  EXPECT_TRUE(event.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  return event;
}

TEST(ChatCodec, WritesTheBytesThatProtobufWouldWrite) {
  const chat_codec words;
  for (const std::uint64_t sequence : {std::uint64_t{1}, std::uint64_t{127}, std::uint64_t{128}, UINT64_MAX}) {
    for (const std::size_t size : {0, 1, 100, 200, 20'000, 65'536}) {
      ChatMessage content;
      content.set_text(std::string(size, 't'));
      content.mutable_sent_at()->set_seconds(1'700'000'000);
      content.mutable_sent_at()->set_nanos(5);
      content.set_client_message_id("id");
      RoomEvent whole;
      whole.set_room("lobby");
      *whole.mutable_message() = content;
      whole.mutable_message()->set_sender("ann");
      whole.mutable_message()->set_sequence(sequence);

      const auto entry = words.entry("lobby", sequence, words.body("ann", content.SerializeAsString()));
      EXPECT_EQ(entry.view(), whole.SerializeAsString()) << sequence << ", " << size;
    }
  }
}

TEST(ChatCodec, IsWhatTheServicesLogsAreEncodedWith) {
  const chat_codec words;
  const auto body = words.body("ann", {});
  EXPECT_EQ(entry_encoder()("lobby", 3, body).view(), words.entry("lobby", 3, body).view());
}

TEST(ChatCodec, NamesAGapAndItsReason) {
  const chat_codec words;
  const auto retention = parsed(words.gap("lobby", 2, 9, rooms::gap_reason::retention));
  EXPECT_EQ(retention.room(), "lobby");
  EXPECT_EQ(retention.gap().from(), 2u);
  EXPECT_EQ(retention.gap().to(), 9u);
  EXPECT_EQ(retention.gap().reason(), Gap::RETENTION);
  EXPECT_EQ(parsed(words.gap("lobby", 2, 9, rooms::gap_reason::history_limit)).gap().reason(), Gap::HISTORY_LIMIT);
}

TEST(ChatCodec, SaysWhereHistoryEnds) {
  const auto event = parsed(chat_codec{}.caught_up("lobby", 7, "abc"));
  EXPECT_EQ(event.room(), "lobby");
  EXPECT_EQ(event.caught_up().sequence(), 7u);
  EXPECT_EQ(event.caught_up().log_id(), "abc");
}

TEST(ChatCodec, SaysWhoJoinedAndLeft) {
  const auto joined = parsed(chat_codec{}.joined("lobby", "ann"));
  EXPECT_EQ(joined.room(), "lobby");
  EXPECT_EQ(joined.joined().nickname(), "ann");
  const auto left = parsed(chat_codec{}.left("lobby", "ann"));
  EXPECT_EQ(left.room(), "lobby");
  EXPECT_EQ(left.left().nickname(), "ann");
}

}  // namespace
}  // namespace switchboard::chat
