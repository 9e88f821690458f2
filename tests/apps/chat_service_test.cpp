#include "chat_expectations.hpp"

#include <mutex>

#include <chat_service.hpp>
#include <gtest/gtest.h>

#include <switchboard/chat/v1/chat.pb.h>
#include <switchboard/rooms/memory_log.hpp>
#include <switchboard/testkit/eventually.hpp>
#include <switchboard/testkit/live_server.hpp>

namespace switchboard::chat {
namespace {

using namespace v1;
using client::within;
using rpc::code;
using std::chrono::seconds;
using testkit::ended_with;
using testkit::eventually;
using testkit::has_code;
using testkit::is_ok;
using words = std::vector<std::string>;

constexpr auto patience = seconds(10);

/// A log store whose logs fail as the test wants: a text "throw" throws in the room that appends it, and the log of the
/// room "damaged" is.
class brittle_store final : public rooms::log_store {
public:
  explicit brittle_store(std::shared_ptr<rooms::log_store> behind) : behind_(std::move(behind)) {}

  std::shared_ptr<rooms::log> open(const std::string& room) override { return wrapped(behind_->open(room), room); }
  std::shared_ptr<rooms::log> find(const std::string& room) const override {
    return wrapped(behind_->find(room), room);
  }
  void close(const std::string& room) override { behind_->close(room); }
  std::vector<std::string> rooms(const std::string& after, std::size_t limit) const override {
    return behind_->rooms(after, limit);
  }
  std::size_t size() const override { return behind_->size(); }

private:
  class brittle_log final : public rooms::log {
  public:
    brittle_log(std::shared_ptr<rooms::log> behind, bool is_damaged)
        : behind_(std::move(behind)), is_damaged_(is_damaged) {}
    void append(std::vector<rooms::record> records,
                std::function<void(std::vector<rooms::append_result>)> done) override {
      for (const auto& each : records)
        if (each.body.find("throw") != std::string::npos) throw std::runtime_error("the log broke");
      behind_->append(std::move(records), std::move(done));
    }
    void read(rooms::page_request wanted, std::function<void(rooms::log_page)> done) override {
      if (is_damaged_) return done({condition(), {}, extent()});
      behind_->read(std::move(wanted), std::move(done));
    }
    void watch(rooms::growth_callback) override {}
    rooms::log_extent extent() const override { return behind_->extent(); }
    rpc::status condition() const override {
      return is_damaged_ ? rpc::status{code::data_loss, "message 3 is damaged"} : rpc::status{};
    }

  private:
    const std::shared_ptr<rooms::log> behind_;
    const bool is_damaged_;
  };

  static std::shared_ptr<rooms::log> wrapped(std::shared_ptr<rooms::log> whole, const std::string& room) {
    return whole ? std::make_shared<brittle_log>(std::move(whole), room == "damaged") : nullptr;
  }

  const std::shared_ptr<rooms::log_store> behind_;
};

/// A log store whose logs never answer a read, but keep the requests.
class silent_store final : public rooms::log_store {
public:
  std::shared_ptr<rooms::log> open(const std::string&) override { return log_; }
  void close(const std::string&) override {}
  std::shared_ptr<rooms::log> find(const std::string&) const override { return log_; }
  std::vector<std::string> rooms(const std::string&, std::size_t) const override { return {}; }
  std::size_t size() const override { return 1; }

  std::size_t reads() const { return log_->reads(); }

private:
  class silent_log final : public rooms::log {
  public:
    void append(std::vector<rooms::record>, std::function<void(std::vector<rooms::append_result>)> done) override {
      done({});
    }
    void read(rooms::page_request, std::function<void(rooms::log_page)> done) override {
      const std::lock_guard lock{mutex_};
      kept_.push_back(std::move(done));
    }
    void watch(rooms::growth_callback) override {}
    rooms::log_extent extent() const override { return {"id", 1, 3}; }
    std::size_t reads() const {
      const std::lock_guard lock{mutex_};
      return kept_.size();
    }

  private:
    mutable std::mutex mutex_;
    std::vector<std::function<void(rooms::log_page)>> kept_;
  };

  const std::shared_ptr<silent_log> log_ = std::make_shared<silent_log>();
};

/// A connection of one user.
class user {
public:
  explicit user(testkit::live_server& server) : client_(server.connect(patience)) {}

  client::stream join(const JoinRequest& request, std::uint32_t credit = 1000) {
    return client_.open({"switchboard.chat.v1.Chat/Join", rpc::method_kind::server_streaming}, request,
                        {.credit = credit});
  }
  client::stream join(const std::string& room, const std::string& nickname, std::uint32_t credit = 1000) {
    JoinRequest request;
    request.set_room(room);
    request.set_nickname(nickname);
    return join(request, credit);
  }
  rpc::status publish(const std::string& room, const std::string& text, PublishReply* into = nullptr) {
    PublishRequest request;
    request.set_room(room);
    request.set_text(text);
    PublishReply reply;
    return call("Publish", request, into ? *into : reply);
  }
  HistoryReply history(const std::string& room, std::uint64_t after = 0, std::uint32_t limit = 0) {
    HistoryRequest request;
    request.set_room(room);
    request.set_after_sequence(after);
    request.set_limit(limit);
    HistoryReply reply;
    EXPECT_TRUE(is_ok(call("History", request, reply)));
    return reply;
  }
  ListRoomsReply rooms(const std::string& after = {}, std::uint32_t limit = 0) {
    ListRoomsRequest request;
    request.set_after(after);
    request.set_limit(limit);
    ListRoomsReply reply;
    EXPECT_TRUE(is_ok(call("ListRooms", request, reply)));
    return reply;
  }
  ListMembersReply members(const std::string& room, const std::string& after = {}, std::uint32_t limit = 0) {
    ListMembersRequest request;
    request.set_room(room);
    request.set_after(after);
    request.set_limit(limit);
    ListMembersReply reply;
    EXPECT_TRUE(is_ok(call("ListMembers", request, reply)));
    return reply;
  }
  template <class Request, class Reply>
  rpc::status call(const std::string& method, const Request& request, Reply& reply) {
    return client_.call("switchboard.chat.v1.Chat/" + method, request, reply, within(patience));
  }
  client::channel& client() { return client_; }

private:
  client::channel client_;
};

words take(client::stream& from, std::size_t count) {
  return take_events(from, count, within(patience));
}

rpc::status end_of(client::stream& stream) {
  RoomEvent event;
  for (;;) {
    const auto step = stream.next(event, within(patience));
    if (step.has_message()) continue;
    return step.timed_out() ? rpc::status{code::unknown, "nothing came"} : step.status;
  }
}

class ChatService : public testing::Test {
protected:
  void serve(chat_limits limits = {}, rooms::memory_limits memory = {}) {
    store = std::make_shared<rooms::memory_store>(entry_encoder(), memory);
    server.add(definition(std::make_shared<brittle_store>(store), limits, server.metrics()));
  }

  std::shared_ptr<rooms::memory_store> store;
  testkit::live_server server;
};

TEST_F(ChatService, LetsPeopleTalk) {
  serve();
  user ann{server}, bob{server};
  auto to_ann = ann.join("lobby", "ann");
  EXPECT_EQ(take(to_ann, 1), words{"caught up 0"});
  auto to_bob = bob.join("lobby", "bob");
  EXPECT_EQ(take(to_bob, 1), words{"caught up 0"});
  PublishReply reply;
  EXPECT_TRUE(is_ok(ann.publish("lobby", "hi bob", &reply)));
  EXPECT_EQ(reply.sequence(), 1u);
  EXPECT_FALSE(reply.duplicate());
  EXPECT_EQ(reply.durability(), PublishReply::MEMORY);
  EXPECT_TRUE(is_ok(bob.publish("lobby", "hi ann")));
  EXPECT_EQ(take(to_ann, 3), (words{"joined bob", "1 ann: hi bob", "2 bob: hi ann"}));
  EXPECT_EQ(take(to_bob, 2), (words{"1 ann: hi bob", "2 bob: hi ann"}));
  to_ann.cancel();
  ASSERT_TRUE(ann.client().flush(within(patience)));
  EXPECT_EQ(take(to_bob, 1), words{"left ann"});
}

TEST_F(ChatService, AnswersDataLossToAllThatConcernsADamagedRoom) {
  serve();
  (void)store->open("damaged");
  user ann{server};
  EXPECT_TRUE(has_code(ann.publish("damaged", "hi"), code::data_loss));
  auto stream = ann.join("damaged", "ann");
  EXPECT_TRUE(has_code(end_of(stream), code::data_loss));
  EXPECT_TRUE(has_code(ann.publish("damaged", "hi"), code::data_loss));
  HistoryRequest request;
  request.set_room("damaged");
  HistoryReply reply;
  EXPECT_TRUE(has_code(ann.call("History", request, reply), code::data_loss));
  auto another = ann.join("lobby", "ann");
  EXPECT_TRUE(is_ok(ann.publish("lobby", "hi")));
}

TEST_F(ChatService, TellsWhenAMessageWasSentAndItsId) {
  serve();
  user ann{server};
  auto stream = ann.join("lobby", "ann");
  PublishRequest request;
  request.set_room("lobby");
  request.set_text("hi");
  request.set_client_message_id("an id");
  PublishReply reply;
  const auto before = std::chrono::system_clock::now() - seconds(1);
  ASSERT_TRUE(is_ok(ann.call("Publish", request, reply)));
  RoomEvent event;
  do ASSERT_TRUE(stream.next(event, within(patience)).has_message());
  while (!event.has_message());
  EXPECT_EQ(event.room(), "lobby");
  EXPECT_EQ(event.message().client_message_id(), "an id");
  const auto sent_at = std::chrono::system_clock::time_point{seconds(event.message().sent_at().seconds())};
  EXPECT_GE(sent_at, std::chrono::floor<seconds>(before));
  EXPECT_LE(sent_at, std::chrono::system_clock::now());
}

TEST_F(ChatService, FindsAPublishSentBehindAJoinJoined) {
  serve();
  user ann{server};
  auto stream = ann.join("lobby", "ann");
  PublishRequest request;
  request.set_room("lobby");
  auto publish = ann.client().open({"switchboard.chat.v1.Chat/Publish"}, request);
  PublishReply reply;
  EXPECT_TRUE(publish.next(reply, within(patience)).has_message());
  EXPECT_EQ(reply.sequence(), 1u);
}

TEST_F(ChatService, AnswersADuplicateWithTheFirstOne) {
  serve();
  user ann{server};
  auto stream = ann.join("lobby", "ann");
  PublishRequest request;
  request.set_room("lobby");
  request.set_client_message_id("id");
  PublishReply first, again;
  EXPECT_TRUE(is_ok(ann.call("Publish", request, first)));
  EXPECT_TRUE(is_ok(ann.call("Publish", request, again)));
  EXPECT_FALSE(first.duplicate());
  EXPECT_TRUE(again.duplicate());
  EXPECT_EQ(again.sequence(), first.sequence());
  EXPECT_EQ(ann.history("lobby").messages_size(), 1);
}

TEST_F(ChatService, RefusesBadNamesAndSizes) {
  serve();
  user ann{server};
  JoinRequest bad_room, bad_nickname, bad_token;
  bad_room.set_room("no spaces");
  bad_nickname.set_room("lobby");
  bad_nickname.set_nickname("tab\there");
  bad_token.set_room("lobby");
  bad_token.set_resume_token("short");
  for (const auto& request : {bad_room, bad_nickname, bad_token}) {
    auto refused = ann.join(request);
    RoomEvent event;
    EXPECT_TRUE(ended_with(refused.next(event, within(patience)), code::invalid_argument));
  }
  EXPECT_TRUE(has_code(ann.publish("no spaces", "hi"), code::invalid_argument));
  EXPECT_TRUE(has_code(ann.publish("lobby", std::string(text_bytes_max + 1, 't')), code::invalid_argument));
  EXPECT_EQ(store->size(), 0u);
}

TEST_F(ChatService, ChecksFieldsBeforeState) {
  serve();
  user ann{server};
  PublishRequest request;
  request.set_room("nobody-is-here");
  request.set_client_message_id(std::string(65, 'i'));
  PublishReply reply;
  EXPECT_TRUE(has_code(ann.call("Publish", request, reply), code::invalid_argument));
  EXPECT_TRUE(has_code(ann.publish("nobody-is-here", "hi"), code::failed_precondition));
}

TEST_F(ChatService, TakesTheLongestText) {
  serve();
  user ann{server};
  auto stream = ann.join("lobby", "ann");
  EXPECT_TRUE(is_ok(ann.publish("lobby", std::string(text_bytes_max, 't'))));
  EXPECT_EQ(take(stream, 2).back(), "1 ann: " + std::string(text_bytes_max, 't'));
}

TEST_F(ChatService, RefusesAPlaceInARoomThatIsNotThere) {
  serve();
  user ann{server};
  JoinRequest log_id, place;
  log_id.set_room("lobby");
  log_id.set_log_id("whatever");
  place.set_room("lobby");
  place.set_after_sequence(1);
  for (const auto& request : {log_id, place}) {
    auto refused = ann.join(request);
    EXPECT_TRUE(has_code(end_of(refused), code::out_of_range));
  }
  EXPECT_EQ(store->size(), 0u);
}

TEST_F(ChatService, BoundsItsRooms) {
  serve({.rooms_max = 1});
  user ann{server};
  auto first = ann.join("one", "ann");
  EXPECT_EQ(take(first, 1), words{"caught up 0"});
  auto second = ann.join("other", "ann");
  EXPECT_TRUE(has_code(end_of(second), code::resource_exhausted));
  EXPECT_EQ(server.figures().value("switchboard_limit_hits_total", {"rooms_max"}), 1);
  user bob{server};
  auto into_first = bob.join("one", "bob");
  EXPECT_EQ(take(into_first, 1), words{"caught up 0"});
}

TEST_F(ChatService, BoundsWhatRoomsThatAreInUseTakeOfMemory) {
  chat_limits limits;
  limits.room.memory = std::make_shared<rooms::room_memory>(2 * rooms::room_feed::room_bytes);
  serve(limits);
  user ann{server};
  auto first = ann.join("one", "ann");
  EXPECT_EQ(take(first, 1), words{"caught up 0"});
  auto second = ann.join("other", "ann");
  EXPECT_TRUE(has_code(end_of(second), code::resource_exhausted));
  EXPECT_EQ(server.figures().value("switchboard_limit_hits_total", {"rooms_memory_max"}), 1);
  user bob{server};
  auto into_first = bob.join("one", "bob");
  EXPECT_EQ(take(into_first, 1), words{"caught up 0"});
}

TEST_F(ChatService, EndsATakenOverStreamThatHasNoCredit) {
  serve();
  user ann{server}, again{server};
  JoinRequest request;
  request.set_room("lobby");
  request.set_nickname("ann");
  request.set_resume_token("0123456789abcdef");
  auto old_stream = ann.join(request, 1);
  RoomEvent event;
  ASSERT_TRUE(old_stream.next(event, within(patience)).has_message());
  auto new_stream = again.join(request);
  EXPECT_TRUE(has_code(end_of(old_stream), code::aborted));
  EXPECT_EQ(take(new_stream, 1), words{"caught up 0"});
}

TEST_F(ChatService, WaitsForCreditAndLosesNothing) {
  serve();
  user ann{server};
  auto stream = ann.join("lobby", "ann", 1);
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(is_ok(ann.publish("lobby", std::to_string(i))));
  EXPECT_EQ(take(stream, 1), words{"caught up 0"});
  const auto rest = take(stream, 300);
  ASSERT_EQ(rest.size(), 300u);
  for (int i = 0; i < 300; ++i)
    EXPECT_EQ(rest[static_cast<std::size_t>(i)], std::to_string(i + 1) + " ann: " + std::to_string(i));
}

TEST_F(ChatService, NamesWhatIsNoLongerKept) {
  serve({}, {.room_entries = 2});
  user ann{server}, bob{server};
  auto stream = ann.join("lobby", "ann");
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(is_ok(ann.publish("lobby", "x")));
  JoinRequest from_start;
  from_start.set_room("lobby");
  from_start.set_history_limit(100);
  auto late = bob.join(from_start);
  EXPECT_EQ(take(late, 5), (words{"joined ann", "gap 1-3 RETENTION", "4 ann: x", "5 ann: x", "caught up 5"}));
}

TEST_F(ChatService, ReadsHistoryWithoutJoining) {
  serve();
  user ann{server}, bob{server};
  auto stream = ann.join("lobby", "ann");
  for (int i = 1; i <= 150; ++i) ASSERT_TRUE(is_ok(ann.publish("lobby", std::to_string(i))));
  const auto by_default = bob.history("lobby");
  EXPECT_EQ(by_default.messages_size(), 100);
  EXPECT_EQ(by_default.messages(0).sequence(), 1u);
  EXPECT_EQ(by_default.messages(0).sender(), "ann");
  EXPECT_EQ(by_default.messages(99).text(), "100");
  EXPECT_EQ(by_default.last_sequence(), 150u);
  EXPECT_EQ(by_default.log_id(), store->find("lobby")->extent().id);
  const auto piece = bob.history("lobby", 100, 2);
  EXPECT_EQ(piece.messages_size(), 2);
  EXPECT_EQ(piece.messages(0).sequence(), 101u);
  const auto beyond = bob.history("lobby", 151, 2);
  EXPECT_EQ(beyond.messages_size(), 0);
  EXPECT_EQ(beyond.last_sequence(), 150u);
}

TEST_F(ChatService, CutsAHistoryAtItsBytes) {
  serve();
  user ann{server};
  auto stream = ann.join(std::string(128, 'r'), "ann", 0);
  const std::string room(128, 'r');
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(is_ok(ann.publish(room, std::string(text_bytes_max, 't'))));
  const auto large = ann.history(room);
  EXPECT_EQ(large.messages_size(), 7);
  EXPECT_LE(large.ByteSizeLong(), reply_bytes_max);
  // Small ones: as many as fit, though their events in the log are several times larger.
  PublishRequest empty;
  empty.set_room(room);
  std::vector<client::stream> publishes;
  for (int i = 0; i < 4000; ++i) publishes.push_back(ann.client().open({"switchboard.chat.v1.Chat/Publish"}, empty));
  PublishReply reply;
  for (auto& each : publishes) ASSERT_TRUE(each.next(reply, within(patience)).has_message());
  const auto small = ann.history(room, 9, 100'000);
  EXPECT_EQ(small.messages_size(), static_cast<int>(small.last_sequence() - 9));
}

TEST_F(ChatService, KnowsNothingOfAnUnknownRoomAndMakesNone) {
  serve();
  user ann{server};
  const auto history = ann.history("nowhere");
  EXPECT_EQ(history.messages_size(), 0);
  EXPECT_EQ(history.last_sequence(), 0u);
  EXPECT_EQ(history.log_id(), "");
  EXPECT_EQ(ann.members("nowhere").nicknames_size(), 0);
  EXPECT_EQ(store->size(), 0u);
}

TEST_F(ChatService, ListsRoomsInBytewiseOrder) {
  serve();
  user ann{server};
  std::vector<client::stream> streams;
  for (const auto* room : {"b", "a", "Z"}) {
    streams.push_back(ann.join(room, "ann"));
    EXPECT_EQ(take(streams.back(), 1), words{"caught up 0"});
  }
  ASSERT_TRUE(is_ok(ann.publish("a", "hi")));
  const auto all = ann.rooms();
  ASSERT_EQ(all.rooms_size(), 3);
  EXPECT_FALSE(all.more());
  EXPECT_EQ(all.rooms(0).room(), "Z");
  EXPECT_EQ(all.rooms(1).room(), "a");
  EXPECT_EQ(all.rooms(1).members(), 1u);
  EXPECT_EQ(all.rooms(1).last_sequence(), 1u);
  EXPECT_EQ(all.rooms(2).room(), "b");
  const auto page = ann.rooms("Z", 1);
  ASSERT_EQ(page.rooms_size(), 1);
  EXPECT_EQ(page.rooms(0).room(), "a");
  EXPECT_TRUE(page.more());
  EXPECT_FALSE(ann.rooms("a", 1).more());
}

TEST_F(ChatService, CutsAListOfRoomsAtItsBytes) {
  serve();
  for (int i = 0; i < 6000; ++i) store->open("room-" + std::string(110, 'x') + std::to_string(10'000 + i));
  user ann{server};
  std::string after;
  std::size_t seen = 0;
  for (bool more = true; more;) {
    const auto page = ann.rooms(after, UINT32_MAX);
    ASSERT_GT(page.rooms_size(), 0);
    EXPECT_LE(page.ByteSizeLong(), reply_bytes_max);
    seen += static_cast<std::size_t>(page.rooms_size());
    after = page.rooms(page.rooms_size() - 1).room();
    more = page.more();
  }
  EXPECT_EQ(seen, 6000u);
}

TEST_F(ChatService, ListsMembersInBytewiseOrder) {
  serve();
  std::vector<user> users;
  std::vector<client::stream> streams;
  for (const auto* nickname : {"bob", "", "ann", "Zed"}) {
    streams.push_back(users.emplace_back(server).join("lobby", nickname));
    EXPECT_EQ(take(streams.back(), 1), words{"caught up 0"});
  }
  const auto all = users[0].members("lobby");
  ASSERT_EQ(all.nicknames_size(), 3);
  EXPECT_EQ(all.nicknames(0), "Zed");
  EXPECT_EQ(all.nicknames(1), "ann");
  EXPECT_EQ(all.nicknames(2), "bob");
  EXPECT_FALSE(all.more());
  const auto page = users[0].members("lobby", "Zed", 1);
  ASSERT_EQ(page.nicknames_size(), 1);
  EXPECT_EQ(page.nicknames(0), "ann");
  EXPECT_TRUE(page.more());
}

TEST_F(ChatService, LetsAMemberLeaveWhenItsConnectionEnds) {
  serve();
  user ann{server};
  auto to_ann = ann.join("lobby", "ann");
  EXPECT_EQ(take(to_ann, 1), words{"caught up 0"});
  {
    user bob{server};
    auto to_bob = bob.join("lobby", "bob");
    EXPECT_EQ(take(to_bob, 1), words{"caught up 0"});
  }
  EXPECT_EQ(take(to_ann, 2), (words{"joined bob", "left bob"}));
  EXPECT_EQ(ann.members("lobby").nicknames_size(), 1);
}

TEST_F(ChatService, StartsAFailedRoomAnewInFrontOfItsLog) {
  serve();
  user ann{server}, bob{server};
  auto to_ann = ann.join("lobby", "ann");
  auto elsewhere = bob.join("other", "bob");
  ASSERT_TRUE(is_ok(ann.publish("lobby", "before")));
  EXPECT_TRUE(has_code(ann.publish("lobby", "throw"), code::unavailable));
  EXPECT_TRUE(has_code(end_of(to_ann), code::unavailable));
  EXPECT_TRUE(eventually([&] { return ann.members("lobby").nicknames_size() == 0; }, patience));

  JoinRequest again;
  again.set_room("lobby");
  again.set_nickname("ann");
  again.set_after_sequence(1);
  again.set_log_id(store->find("lobby")->extent().id);
  client::stream rejoined;
  // The end of the old room may not have been reported yet.
  ASSERT_TRUE(eventually([&] {
    rejoined = ann.join(again);
    return take(rejoined, 1) == words{"caught up 1"};
  }));
  PublishReply reply;
  ASSERT_TRUE(is_ok(ann.publish("lobby", "after", &reply)));
  EXPECT_EQ(reply.sequence(), 2u);
  // No other member noticed.
  ASSERT_TRUE(is_ok(bob.publish("other", "still here")));
  EXPECT_EQ(take(elsewhere, 2).back(), "1 bob: still here");
}

TEST(ChatServiceEnd, LeavesNoStoreBehindWhoseReadersStillWait) {
  auto store = std::make_shared<silent_store>();
  const std::weak_ptr<silent_store> watched = store;
  {
    testkit::live_server server;
    server.add(definition(store));
    auto ann = server.connect(patience);
    HistoryRequest request;
    request.set_room("lobby");
    const auto history = ann.open({"switchboard.chat.v1.Chat/History"}, request);
    JoinRequest join;
    join.set_room("lobby");
    join.set_history_limit(2);
    const auto stream =
        ann.open({"switchboard.chat.v1.Chat/Join", rpc::method_kind::server_streaming}, join, {.credit = 10});
    ASSERT_TRUE(eventually([&] { return store->reads() == 2; }));
    store = nullptr;
    server.broker().stop();
  }
  EXPECT_TRUE(watched.expired());
}

TEST_F(ChatService, EndsItsStreamsWhenTheServerDrains) {
  serve();
  user ann{server};
  auto stream = ann.join("lobby", "ann", 1);
  EXPECT_EQ(take(stream, 1), words{"caught up 0"});
  server.broker().drain();
  EXPECT_TRUE(has_code(end_of(stream), code::unavailable));
}

}  // namespace
}  // namespace switchboard::chat
