// Who has its turn in a chat service, and what ends with whom: actors stepped on one thread, by the messages that
// connections send.

#include <algorithm>
#include <map>

#include <caf/actor_cast.hpp>
#include <caf/send.hpp>
#include <chat_service.hpp>
#include <gtest/gtest.h>
#include <query_actor.hpp>

#include <switchboard/actors/service_host.hpp>
#include <switchboard/chat/v1/chat.pb.h>
#include <switchboard/rooms/memory_log.hpp>
#include <switchboard/rpc/answers.hpp>
#include <switchboard/rpc/reply_backlog.hpp>
#include <switchboard/testkit/acting.hpp>
#include <switchboard/testkit/stage.hpp>
#include <switchboard/v1/frame.pb.h>
#include <switchboard/wire/frame_decoder.hpp>

namespace switchboard::chat {
namespace {

using namespace v1;

/// A connection, as services see it: who calls, and what was answered.
class client {
public:
  client(testkit::stage& on, std::uint64_t id, std::size_t backlog_max = 1 << 30)
      : stage_(on),
        actor_(testkit::spawn_acting(
            on.system(), {[this](rpc::answers& content) { take_up(content); }, [](const rpc::stream_ready&) {}})),
        caller_(std::make_shared<const rpc::caller>(rpc::caller{id,
                                                                caf::actor_cast<caf::strong_actor_ptr>(actor_),
                                                                "test",
                                                                {},
                                                                1 << 20,
                                                                std::make_shared<rpc::reply_backlog>(backlog_max)})) {}
  ~client() {
    caf::anon_send_exit(actor_, caf::exit_reason::user_shutdown);
    stage_.settle();
  }

  const std::shared_ptr<const rpc::caller>& caller() const noexcept { return caller_; }
  rpc::call_handle open() {
    return {rpc::call_context{caller_, last_call_ += 2, rpc::time_point::max(), nullptr}, 1000};
  }
  /// Ends the call, as a cancel does.
  void end(std::uint64_t call) {
    const auto watcher = watchers_.find(call);
    ASSERT_NE(watcher, watchers_.end());
    caf::anon_send(caf::actor_cast<caf::actor>(watcher->second), rpc::call_ended{caller_->id, call});
  }

  /// Has taken all replies but for so many bytes.
  void take_replies_but(std::size_t bytes) {
    caller_->backlog->queued(left_ = bytes);
    for (const auto& each : caller_->backlog->take_waiting())
      caf::anon_send(caf::actor_cast<caf::actor>(each), rpc::resume_calls{caller_->id});
  }

  struct answer {
    rpc::code code = rpc::code::ok;
    std::string message;
  };
  std::map<std::uint64_t, answer> answers;
  /// Of all clients, in the order of the answers.
  std::vector<std::uint64_t>* order = nullptr;

private:
  void take_up(rpc::answers& content) {
    for (auto& each : content.watches) watchers_[each.call] = each.notice->take_watcher();
    for (auto& each : content.streams) sources_.push_back(each.source->take());
    caller_->backlog->arrived(content.frames.size());
    wire::frame_decoder decoder;
    decoder.feed(std::as_bytes(std::span{content.frames}));
    for (wire::frame_view frame; decoder.next(frame) == wire::frame_decoder::outcome::frame;) {
      switchboard::v1::Status status;
      status.ParseFromArray(frame.status.data(), static_cast<int>(frame.status.size()));
      answers[frame.call] = {static_cast<rpc::code>(status.code()), std::string(frame.message)};
      if (order) order->push_back(caller_->id);
    }
    take_replies_but(left_);
  }

  testkit::stage& stage_;
  std::uint64_t last_call_ = ~std::uint64_t{0};
  std::size_t left_ = 0;
  std::vector<std::shared_ptr<rpc::source>> sources_;
  std::map<std::uint64_t, caf::strong_actor_ptr> watchers_;
  const caf::actor actor_;
  const std::shared_ptr<const rpc::caller> caller_;
};

// -- the actor of queries -------------------------------------------------------------------------------------------

class Queries : public testing::Test {
protected:
  /// Is answered after some pieces; those are found at once, or when the test says so.
  class counted final : public query {
  public:
    counted(Queries& test, rpc::call_handle call, int pieces) : test_(test), call_(std::move(call)), left_(pieces) {
      ++test_.alive;
    }
    ~counted() override { --test_.alive; }

    rpc::call_handle& call() noexcept override { return call_; }
    void find_next(caf::event_based_actor&, std::function<void(query_piece)> found) override {
      if (test_.finds_at_once) return found({});
      test_.looking.push_back(std::move(found));
    }
    bool add(query_piece) override {
      test_.order.push_back(call_.context().caller().id);
      if (--left_ > 0) return false;
      rpc::responder<HistoryReply>{std::move(call_)}.reply_serialized(test_.reply);
      return true;
    }

  private:
    Queries& test_;
    rpc::call_handle call_;
    int left_;
  };

  ~Queries() override {
    caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
    actor = nullptr;
    looking.clear();
    stage.settle();
    EXPECT_EQ(alive, 0);
  }

  void ask(client& who, int pieces = 1) {
    caf::anon_send(actor, new_query{std::make_shared<counted>(*this, who.open(), pieces)});
  }
  void find_one() {
    auto found = std::move(looking.front());
    looking.erase(looking.begin());
    found({});
    stage.settle();
  }

  testkit::stage stage;
  int alive = 0;
  bool finds_at_once = false;
  std::vector<std::function<void(query_piece)>> looking;
  std::vector<std::uint64_t> order;  ///< whose pieces were added
  std::string reply;
  caf::actor actor = stage.system().spawn<query_actor>();
  client ann{stage, 1};
  client bob{stage, 2};
};

TEST_F(Queries, RunFourAtATimeForEachConnection) {
  for (int n = 0; n < 10; ++n) ask(ann);
  ask(bob);
  stage.settle();
  EXPECT_EQ(looking.size(), query_actor::at_a_time + 1);
  find_one();
  EXPECT_EQ(ann.answers.size(), 1u);
  EXPECT_EQ(looking.size(), query_actor::at_a_time + 1);
  while (!looking.empty()) find_one();
  EXPECT_EQ(ann.answers.size(), 10u);
  EXPECT_EQ(bob.answers.size(), 1u);
}

TEST_F(Queries, LetConnectionsTakeTurns) {
  finds_at_once = true;
  for (int n = 0; n < 100; ++n) ask(ann, 100);
  ask(bob, 3);
  stage.settle();
  const auto bobs_last = std::find(order.rbegin(), order.rend(), bob.caller()->id).base() - order.begin();
  EXPECT_LE(bobs_last, 3 * static_cast<int>(query_actor::at_a_time + 1));
  EXPECT_EQ(order.size(), 10'003u);
}

TEST_F(Queries, AreLetGoWithTheirCalls) {
  for (int n = 0; n < 6; ++n) ask(ann);
  stage.settle();
  ASSERT_EQ(alive, 6);
  ann.end(1);
  ann.end(11);
  stage.settle();
  EXPECT_EQ(alive, 4) << "one that ran and one that waited";
  EXPECT_EQ(looking.size(), 5u) << "the next runs in its place";
  while (!looking.empty()) find_one();
  EXPECT_EQ(alive, 0);
}

TEST_F(Queries, StartNoneForAConnectionThatIsGone) {
  for (int n = 0; n < 10; ++n) ask(ann);
  stage.settle();
  ASSERT_EQ(looking.size(), query_actor::at_a_time);
  ann.caller()->backlog->close();
  find_one();
  EXPECT_EQ(looking.size(), query_actor::at_a_time - 1) << "none starts in the place of the one that is answered";
  EXPECT_EQ(alive, static_cast<int>(query_actor::at_a_time) - 1) << "those that waited are let go";
}

TEST_F(Queries, WaitWhileTheirClientDoesNotTakeItsReplies) {
  client slow{stage, 3, 1000};
  reply.assign(600, '\0');
  finds_at_once = true;
  slow.take_replies_but(1001);
  for (int n = 0; n < 10; ++n) ask(slow);
  ask(ann);
  stage.settle();
  EXPECT_EQ(slow.answers.size(), 0u);
  EXPECT_EQ(ann.answers.size(), 1u);
  slow.take_replies_but(0);
  stage.settle();
  EXPECT_EQ(slow.answers.size(), 10u);
}

TEST_F(Queries, EndWithUnavailable) {
  for (int n = 0; n < 6; ++n) ask(ann);
  stage.settle();
  caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  stage.settle();
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(ann.answers.size(), 6u);
  EXPECT_EQ(ann.answers[1].code, rpc::code::unavailable);
}

// -- the service ----------------------------------------------------------------------------------------------------

class ChatTurns : public testing::Test {
protected:
  ChatTurns() {
    for (auto* each : {&ann, &bob}) each->order = &order;
    host = stage.system().spawn<actors::service_host>(stage.pump(), served);
  }
  ~ChatTurns() override {
    caf::anon_send_exit(host, caf::exit_reason::user_shutdown);
    host = nullptr;
    stage.settle();
  }

  /// The service gets the call, of a method without its service's name.
  void call(client& who, std::string_view name, const google::protobuf::MessageLite& request, int times = 1) {
    const auto& methods = served->methods();
    const auto method = std::find_if(methods.begin(), methods.end(),
                                     [&](const auto& each) { return each.name.ends_with("/" + std::string(name)); });
    ASSERT_NE(method, methods.end());
    rpc::call_batch batch{who.caller()};
    for (int n = 0; n < times; ++n)
      batch.add(who.open().release().number(), *method, request.SerializeAsString(), rpc::time_point::max(), 1000);
    caf::anon_send(host, rpc::calls{std::move(batch)});
  }
  void join(client& who) {
    JoinRequest request;
    request.set_room("lobby");
    request.set_nickname("nick" + std::to_string(who.caller()->id));
    call(who, "Join", request);
    stage.settle();
  }
  void publish(client& who) {
    PublishRequest request;
    request.set_room("lobby");
    call(who, "Publish", request);
  }
  void fill_room(int messages) {
    const auto log = store->open("lobby");
    for (int n = 0; n < messages; ++n) log->append(std::vector{rooms::record{}}, [](const auto&) {});
  }
  void ask_for_history(client& who, int times = 1) {
    HistoryRequest request;
    request.set_room("lobby");
    request.set_limit(UINT32_MAX);
    call(who, "History", request, times);
  }

  testkit::stage stage;
  std::vector<std::uint64_t> order;  ///< whose calls were answered
  const std::shared_ptr<rooms::memory_store> store = std::make_shared<rooms::memory_store>(entry_encoder());
  const std::shared_ptr<const rpc::service_definition> served =
      std::make_shared<const rpc::service_definition>(definition(store));
  client ann{stage, 1};
  client bob{stage, 2};
  caf::actor host;
};

TEST_F(ChatTurns, APublishIsAnsweredBeforeTheHistoriesThatWereAskedForBefore) {
  fill_room(10'000);
  join(bob);
  ask_for_history(ann, 100);
  publish(bob);
  stage.settle();
  ASSERT_EQ(order.size(), 101u);
  EXPECT_EQ(order.front(), bob.caller()->id);
  for (const auto& [number, answer] : ann.answers) {
    HistoryReply reply;
    ASSERT_TRUE(reply.ParseFromString(answer.message));
    EXPECT_EQ(reply.messages_size(), static_cast<int>(reply.last_sequence()));
  }
}

TEST_F(ChatTurns, APublishIsAnsweredBeforeTheListsThatWereAskedForBefore) {
  join(bob);
  for (int n = 0; n < 2000; ++n) store->open("room" + std::to_string(n));
  ListRoomsRequest request;
  request.set_limit(UINT32_MAX);
  call(ann, "ListRooms", request, 10);
  publish(bob);
  stage.settle();
  ASSERT_EQ(order.size(), 11u);
  EXPECT_EQ(order.front(), bob.caller()->id);
  ListRoomsReply reply;
  ASSERT_TRUE(reply.ParseFromString(ann.answers.begin()->second.message));
  EXPECT_EQ(reply.rooms_size(), 2001);
}

TEST_F(ChatTurns, ASmallHistoryDoesNotWaitForAnothersLargeOnes) {
  fill_room(10'000);
  ask_for_history(ann, 100);
  HistoryRequest request;
  request.set_room("lobby");
  call(bob, "History", request);
  stage.settle();
  const auto place = std::find(order.begin(), order.end(), bob.caller()->id) - order.begin();
  EXPECT_EQ(place, 0);
}

TEST_F(ChatTurns, AHistorySeesThePublishThatWasAnsweredBefore) {
  join(bob);
  publish(bob);
  stage.settle();
  ASSERT_EQ(bob.answers.size(), 1u);
  ask_for_history(ann);
  stage.settle();
  HistoryReply reply;
  ASSERT_TRUE(reply.ParseFromString(ann.answers.begin()->second.message));
  EXPECT_EQ(reply.messages_size(), 1);
}

TEST_F(ChatTurns, AListSeesTheJoinThatWasSentBefore) {
  join(bob);
  call(ann, "ListRooms", ListRoomsRequest{});
  ListMembersRequest members;
  members.set_room("lobby");
  call(ann, "ListMembers", members);
  stage.settle();
  ListRoomsReply rooms;
  ASSERT_TRUE(rooms.ParseFromString(ann.answers.begin()->second.message));
  ASSERT_EQ(rooms.rooms_size(), 1);
  EXPECT_EQ(rooms.rooms(0).members(), 1u);
  ListMembersReply reply;
  ASSERT_TRUE(reply.ParseFromString(ann.answers.rbegin()->second.message));
  ASSERT_EQ(reply.nicknames_size(), 1);
}

}  // namespace
}  // namespace switchboard::chat
