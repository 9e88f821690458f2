// Who has its turn in a chat service, and what ends with whom: actors stepped on one thread, by the messages that
// connections send.

#include <algorithm>
#include <map>

#include <caf/actor_cast.hpp>
#include <caf/send.hpp>
#include <chat_service.hpp>
#include <gtest/gtest.h>
#include <query_actor.hpp>
#include <room_creations.hpp>

#include <switchboard/actors/service_host.hpp>
#include <switchboard/chat/v1/chat.pb.h>
#include <switchboard/rooms/memory_log.hpp>
#include <switchboard/rpc/allowance.hpp>
#include <switchboard/rpc/answers.hpp>
#include <switchboard/rpc/retry_info.hpp>
#include <switchboard/testkit/acting.hpp>
#include <switchboard/testkit/stage.hpp>
#include <switchboard/v1/frame.pb.h>
#include <switchboard/wire/frame_decoder.hpp>

namespace switchboard::chat {
namespace {

using namespace std::chrono_literals;
using namespace v1;

/// A connection, as services see it: who calls, and what was answered.
class client {
public:
  client(testkit::stage& on, std::uint64_t id)
      : stage_(on),
        actor_(testkit::spawn_acting(
            on.system(), {[this](rpc::answers& content) { take_up(content); }, [](const rpc::stream_ready&) {}})),
        caller_(std::make_shared<const rpc::caller>(rpc::caller{id,
                                                                caf::actor_cast<caf::strong_actor_ptr>(actor_),
                                                                "test",
                                                                {},
                                                                1 << 20,
                                                                std::make_shared<rpc::allowance>(1 << 30)})) {}
  ~client() {
    caf::anon_send_exit(actor_, caf::exit_reason::user_shutdown);
    stage_.settle();
  }

  const std::shared_ptr<const rpc::caller>& caller() const noexcept { return caller_; }
  rpc::call_handle open() {
    return {rpc::call_context{caller_, last_call_ += 2, rpc::time_point::max(), nullptr}, 1000};
  }
  std::uint64_t last_call() const noexcept { return last_call_; }
  /// Ends the call, as a cancel does.
  void end(std::uint64_t call) {
    const auto watcher = watchers_.find(call);
    ASSERT_NE(watcher, watchers_.end());
    caf::anon_send(caf::actor_cast<caf::actor>(watcher->second), rpc::call_ended{caller_->id, call});
  }

  struct answer {
    rpc::code code = rpc::code::ok;
    std::string message;
    switchboard::v1::Status status{};
  };
  std::map<std::uint64_t, answer> answers;
  /// Of all clients, in the order of the answers.
  std::vector<std::uint64_t>* order = nullptr;

private:
  void take_up(rpc::answers& content) {
    for (auto& each : content.watches) watchers_[each.call] = each.notice->take_watcher();
    for (auto& each : content.streams) sources_.push_back(each.source->take());
    caller_->allowance->arrived(content.bytes());
    wire::frame_decoder decoder;
    decoder.feed(std::as_bytes(std::span{content.frames}));
    for (wire::frame_view frame; decoder.next(frame) == wire::frame_decoder::outcome::frame;) {
      switchboard::v1::Status status;
      status.ParseFromArray(frame.status.data(), static_cast<int>(frame.status.size()));
      answers[frame.call] = {static_cast<rpc::code>(status.code()), std::string(frame.message), status};
      if (order) order->push_back(caller_->id);
    }
  }

  testkit::stage& stage_;
  std::uint64_t last_call_ = ~std::uint64_t{0};
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
      rpc::responder<HistoryReply>{std::move(call_)}.reply_serialized({});
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
  std::shared_ptr<budget::ledger> memory = std::make_shared<budget::ledger>(std::size_t{1} << 30);
  caf::actor actor = stage.system().spawn<query_actor>(memory);
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

TEST_F(Queries, RunAsManyAtATimeAsThereIsRoomForAndTakeTurnsInStarting) {
  std::vector<std::unique_ptr<client>> many;
  for (std::uint64_t id = 10; id < 10 + 2 * query_actor::running_max; ++id) {
    many.push_back(std::make_unique<client>(stage, id));
    for (int n = 0; n < 3; ++n) ask(*many.back());
  }
  stage.settle();
  EXPECT_EQ(looking.size(), query_actor::running_max);
  // All have been answered once before any is answered a third time.
  for (std::size_t n = 0; n < 2 * many.size() + query_actor::running_max; ++n) find_one();
  for (const auto& each : many) EXPECT_GE(each->answers.size(), 1u) << each->caller()->id;
  while (!looking.empty()) find_one();
  for (const auto& each : many) EXPECT_EQ(each->answers.size(), 3u);
}

TEST_F(Queries, CountTheirRepliesInTheLedgerWhileTheyRun) {
  for (int n = 0; n < 10; ++n) ask(ann);
  stage.settle();
  EXPECT_GE(memory->used_by(budget::owner::stream), query_actor::at_a_time * query_actor::query_bytes);
  ann.end(1);
  while (!looking.empty()) find_one();
  EXPECT_LE(memory->used_by(budget::owner::stream), budget::account::slack);
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

TEST_F(Queries, EndInWhateverOrderTheirCallsDo) {
  for (int n = 0; n < 4'096; ++n) ask(ann);
  stage.settle();
  // All but the last two of those that wait: the latest first, and then one once more.
  for (std::uint64_t call = 2 * 4'096 - 5; call > 2 * query_actor::at_a_time; call -= 2) ann.end(call);
  ann.end(2 * query_actor::at_a_time + 1);
  stage.settle();
  EXPECT_EQ(alive, static_cast<int>(query_actor::at_a_time) + 2);
  while (!looking.empty()) find_one();
  EXPECT_EQ(ann.answers.at(2 * 4'096 - 3).code, rpc::code::ok);
  EXPECT_EQ(ann.answers.at(2 * 4'096 - 1).code, rpc::code::ok);
}

TEST_F(Queries, StartNoneForAConnectionThatIsGone) {
  for (int n = 0; n < 10; ++n) ask(ann);
  stage.settle();
  ASSERT_EQ(looking.size(), query_actor::at_a_time);
  ann.caller()->allowance->close();
  find_one();
  EXPECT_EQ(looking.size(), query_actor::at_a_time - 1) << "none starts in the place of the one that is answered";
  EXPECT_EQ(alive, static_cast<int>(query_actor::at_a_time) - 1) << "those that waited are let go";
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
  /// The call's number.
  std::uint64_t join(client& who, const std::string& room = "lobby", const std::string& log_id = {}) {
    JoinRequest request;
    request.set_room(room);
    request.set_nickname("nick" + std::to_string(who.caller()->id));
    request.set_log_id(log_id);
    call(who, "Join", request);
    stage.settle();
    return who.last_call();
  }
  void publish(client& who, const std::string& id = {}) {
    PublishRequest request;
    request.set_room("lobby");
    request.set_client_message_id(id);
    call(who, "Publish", request);
  }
  PublishReply published(client& who, const std::string& id = {}) {
    publish(who, id);
    stage.settle();
    PublishReply reply;
    EXPECT_TRUE(reply.ParseFromString(who.answers.at(who.last_call()).message));
    return reply;
  }
  void leave(client& who, std::uint64_t call) {
    who.end(call);
    stage.settle();
  }
  /// A second at a time, so that each deadline comes at its time.
  void pass(std::chrono::seconds span) {
    for (; span.count() > 0; --span) stage.advance(1s);
  }
  double rooms_with_an_actor() const { return figures->read().value("switchboard_rooms", {}); }
  void fill_room(int messages) {
    const auto log = store->open("lobby");
    for (int n = 0; n < messages; ++n) log->append(std::vector{rooms::record{}}, [](const auto&) {});
  }
  std::size_t answer_bytes_max_of(std::string_view name) const {
    for (const auto& each : served->methods())
      if (each.name.ends_with("/" + std::string(name))) return each.answer_bytes_max;
    return 0;
  }
  void ask_for_history(client& who, int times = 1) {
    HistoryRequest request;
    request.set_room("lobby");
    request.set_limit(UINT32_MAX);
    call(who, "History", request, times);
  }

  testkit::stage stage;
  std::vector<std::uint64_t> order;  ///< whose calls were answered
  const std::shared_ptr<metrics::registry> figures = std::make_shared<metrics::registry>();
  const std::shared_ptr<rooms::memory_store> store = std::make_shared<rooms::memory_store>(entry_encoder());
  const std::shared_ptr<const rpc::service_definition> served =
      std::make_shared<const rpc::service_definition>(definition(store, {}, figures));
  client ann{stage, 1};
  client bob{stage, 2};
  caf::actor host;
};

TEST_F(ChatTurns, QueriesDeclareWhatTheyTakeAndOtherCallsAreShort) {
  for (const auto* each : {"History", "ListRooms", "ListMembers"})
    EXPECT_EQ(answer_bytes_max_of(each), query_actor::query_bytes) << each;
  for (const auto* each : {"Join", "Publish"})
    EXPECT_EQ(answer_bytes_max_of(each), rpc::method::default_answer_bytes_max) << each;
}

TEST_F(ChatTurns, AllRoomsEndWhenTheServiceHas) {
  for (int n = 0; n < 1'200; ++n) join(n % 2 == 0 ? ann : bob, "room-" + std::to_string(n));
  ASSERT_EQ(rooms_with_an_actor(), 1'200);
  caf::anon_send_exit(host, caf::exit_reason::user_shutdown);
  stage.settle();
  EXPECT_EQ(rooms_with_an_actor(), 0);
}

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

// -- rooms without streams --------------------------------------------------------------------------------------------

TEST_F(ChatTurns, ARoomThatNeverHeldAMessageIsForgottenAMinuteAfterItsLastMember) {
  const auto call = join(bob);
  pass(10min);
  EXPECT_EQ(store->size(), 1u) << "somebody is in it";
  leave(bob, call);
  pass(59s);
  EXPECT_EQ(store->size(), 1u);
  pass(30s);
  EXPECT_EQ(store->size(), 0u);
  EXPECT_EQ(rooms_with_an_actor(), 0);
}

TEST_F(ChatTurns, ARoomIsForgottenAMinuteAfterItsLastObserver) {
  JoinRequest request;
  request.set_room("lobby");
  call(bob, "Join", request);
  stage.settle();
  pass(10min);
  EXPECT_EQ(store->size(), 1u);
  leave(bob, bob.last_call());
  pass(90s);
  EXPECT_EQ(store->size(), 0u);
}

TEST_F(ChatTurns, ARoomThatIsUsedWithinTheMinuteStays) {
  const auto before = join(bob);
  for (int n = 0; n < 10; ++n) {
    leave(bob, n == 0 ? before : bob.last_call());
    pass(50s);
    join(bob);
  }
  EXPECT_EQ(store->size(), 1u);
  EXPECT_EQ(rooms_with_an_actor(), 1);
}

TEST_F(ChatTurns, ARoomThatHeldAMessageGoesOnWhenItComesBack) {
  const auto call = join(bob);
  EXPECT_EQ(published(bob, "id").sequence(), 1u);
  const auto log_id = store->find("lobby")->extent().id;
  leave(bob, call);
  pass(90s);
  EXPECT_EQ(rooms_with_an_actor(), 0) << "its actor is let go";
  ASSERT_EQ(store->size(), 1u) << "its log stays";
  ask_for_history(ann);
  stage.settle();
  HistoryReply history;
  ASSERT_TRUE(history.ParseFromString(ann.answers.at(ann.last_call()).message));
  EXPECT_EQ(history.messages_size(), 1);
  const auto again = join(bob, "lobby", log_id);
  EXPECT_FALSE(bob.answers.contains(again)) << "it is the same log";
  EXPECT_TRUE(published(bob, "id").duplicate());
  EXPECT_EQ(published(bob, "another").sequence(), 2u);
}

TEST_F(ChatTurns, APublishToARoomThatWasLetGoFindsNobodyInIt) {
  const auto call = join(bob);
  published(bob);
  leave(bob, call);
  pass(90s);
  publish(bob);
  stage.settle();
  EXPECT_EQ(bob.answers.at(bob.last_call()).code, rpc::code::failed_precondition);
}

TEST_F(ChatTurns, ThousandsOfRoomsAreForgotten) {
  for (auto* const each : {&ann, &bob})
    for (int n = 0; n < 1'000; ++n) {
      const auto call = join(*each, "room" + std::to_string(each->caller()->id * 10'000 + n));
      each->end(call);
    }
  stage.settle();
  EXPECT_EQ(store->size(), 2'000u);
  pass(59s);
  EXPECT_EQ(store->size(), 2'000u);
  pass(30s);
  EXPECT_EQ(store->size(), 0u);
}

// -- rooms that one client makes ------------------------------------------------------------------------------------

TEST_F(ChatTurns, AConnectionMakesAThousandRoomsAtOnceAndThenAHundredAMinute) {
  for (int n = 0; n < 1'000; ++n) join(ann, "room" + std::to_string(n));
  EXPECT_TRUE(ann.answers.empty());
  EXPECT_EQ(store->size(), 1'000u);
  const auto refused = join(ann, "one.more");
  const auto& answer = ann.answers.at(refused);
  EXPECT_EQ(answer.code, rpc::code::resource_exhausted);
  EXPECT_NE(answer.status.message().find("room_creations_per_minute"), std::string::npos) << answer.status.message();
  ASSERT_EQ(answer.status.details_size(), 1);
  EXPECT_EQ(rpc::retry_delay_in(answer.status.details(0)), 600ms);
  EXPECT_EQ(figures->read().value("switchboard_limit_hits_total", {"room_creations_per_minute"}), 1);
  EXPECT_EQ(store->find("one.more"), nullptr);

  join(ann, "room7", "another log");
  EXPECT_EQ(ann.answers.at(ann.last_call()).code, rpc::code::out_of_range) << "rooms that are there cost nothing";
  join(bob, "one.more");
  EXPECT_NE(store->find("one.more"), nullptr) << "another connection's are counted apart";

  stage.advance(600ms);
  join(ann, "two.more");
  join(ann, "three.more");
  EXPECT_NE(store->find("two.more"), nullptr);
  EXPECT_EQ(store->find("three.more"), nullptr);
}

TEST(RoomCreations, AreCountedForAllConnectionsOfAnAddressWhereThatIsLimited) {
  room_creations creations{{.room_creations_per_address = {.burst = 2, .per_minute = 60}}, nullptr};
  const auto charge = [&](std::uint64_t id, const std::string& peer) {
    return creations.charge(rpc::caller{.id = id, .connection = {}, .peer = peer}, 0, {});
  };
  EXPECT_TRUE(charge(1, "192.0.2.1:1000").ok());
  EXPECT_TRUE(charge(2, "192.0.2.1:1001").ok());
  const auto refused = charge(3, "192.0.2.1:1002");
  EXPECT_EQ(refused.code, rpc::code::resource_exhausted);
  EXPECT_EQ(refused.retry_after, 1s);
  EXPECT_NE(refused.message.find("room_creations_per_address_per_minute"), std::string::npos) << refused.message;
  EXPECT_TRUE(charge(4, "192.0.2.2:1000").ok());
  for (std::uint64_t id = 5; id < 10; ++id) EXPECT_TRUE(charge(id, "unix:/run/chat").ok());
}

}  // namespace
}  // namespace switchboard::chat
