// What the publish load finds of a broker's acknowledgements, and of its room at the end.

#include "load/publish_load.hpp"

#include "load/history_load.hpp"
#include "scripted_room.hpp"

#include <gtest/gtest.h>

namespace switchboard::bench {
namespace {

using namespace std::chrono_literals;

struct found {
  faults in_answers;
  faults in_room;
  std::uint64_t results = 0;
};

found found_of(scripted_room::publishing publishing, bool must_be_synced = true) {
  scripted_room room;
  scripted_server server{chat_room(room, std::move(publishing))};
  publish_load load{server.address(), {.publishers = 1, .text = 32, .must_be_synced = must_be_synced}};
  found all;
  // Five publishes and more, one after the other.
  for (int each = 0; each < 5; ++each) {
    const auto slice = load.run(0ms);
    all.in_answers += slice.wrong;
    all.results += slice.results;
  }
  all.in_room = load.verify();
  return all;
}

TEST(PublishLoad, FindsNothingWrongWithARoomThatKeepsAll) {
  const auto all = found_of(keep);
  EXPECT_EQ(all.in_answers, faults{});
  EXPECT_EQ(all.in_room, faults{});
  EXPECT_EQ(all.results, 5u);
}

TEST(PublishLoad, FindsAnAcknowledgedMessageThatTheRoomLost) {
  const auto all = found_of([](auto& room, const auto& text, std::size_t number, auto& reply) {
    keep(room, text, number, reply);
    reply.set_sequence(number + 1);
    if (number == 2) room.texts.pop_back();
  });
  EXPECT_EQ(all.in_answers, faults{});
  EXPECT_EQ(all.in_room, (faults{.lost = 1}));
}

TEST(PublishLoad, FindsThatTheLastMessageIsLost) {
  const auto all = found_of([](auto& room, const auto& text, std::size_t number, auto& reply) {
    keep(room, text, number, reply);
    if (number == 4) room.texts.pop_back();
  });
  EXPECT_EQ(all.in_room, (faults{.lost = 1}));
}

TEST(PublishLoad, FindsAMessageThatTheRoomHasTwice) {
  const auto all = found_of([](auto& room, const auto& text, std::size_t number, auto& reply) {
    keep(room, text, number, reply);
    if (number == 4) room.texts.push_back(text);
  });
  EXPECT_EQ(all.in_room, (faults{.duplicated = 1}));
}

TEST(PublishLoad, FindsMessagesThatTheRoomSwapped) {
  const auto all = found_of([](auto& room, const auto& text, std::size_t number, auto& reply) {
    keep(room, text, number, reply);
    if (number == 3) std::swap(room.texts[2], room.texts[3]);
  });
  EXPECT_EQ(all.in_room, (faults{.reordered = 1}));
}

TEST(PublishLoad, FindsATextThatTheRoomChanged) {
  const auto all = found_of([](auto& room, const auto& text, std::size_t number, auto& reply) {
    keep(room, text, number, reply);
    if (number == 4) room.texts.back().back() = 'y';
  });
  EXPECT_EQ(all.in_room, (faults{.lost = 1, .corrupted = 1}));
}

TEST(PublishLoad, FindsAnAcknowledgementThatPromisesLessThanWasAskedFor) {
  const auto written = [](auto& room, const auto& text, std::size_t number, auto& reply) {
    keep(room, text, number, reply);
    if (number == 2) reply.set_durability(chat::v1::PublishReply::WRITTEN);
  };
  const auto all = found_of(written);
  EXPECT_EQ(all.in_answers, (faults{.corrupted = 1}));
  EXPECT_EQ(all.results, 4u);
  EXPECT_EQ(found_of(written, false).in_answers, faults{});
}

TEST(PublishLoad, FindsSequencesThatComeAgainOrGoBack) {
  const auto all = found_of([](auto& room, const auto& text, std::size_t number, auto& reply) {
    keep(room, text, number, reply);
    if (number == 2) reply.set_sequence(2);
    if (number == 3) reply.set_sequence(1);
  });
  EXPECT_EQ(all.in_answers, (faults{.duplicated = 1, .reordered = 1}));
}

faults found_in_history(std::vector<std::string> texts) {
  scripted_room room{std::move(texts)};
  scripted_server server{chat_room(room)};
  history_load load{server.address(), "bench", 3, "text", {}};
  return load.run(0ms).wrong;
}

TEST(HistoryLoad, FindsNothingWrongWithAWholeRoom) {
  EXPECT_EQ(found_in_history({"text", "text", "text"}), faults{});
}

TEST(HistoryLoad, FindsWhatIsMissingAtTheEnd) {
  EXPECT_EQ(found_in_history({"text", "text"}), (faults{.lost = 1}));
}

TEST(HistoryLoad, FindsATextThatWasChanged) {
  EXPECT_EQ(found_in_history({"text", "tent", "text"}), (faults{.corrupted = 1}));
}

}  // namespace
}  // namespace switchboard::bench
