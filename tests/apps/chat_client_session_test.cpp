#include "../client/connection.hpp"
#include "event_loop.hpp"
#include "session.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#include <switchboard/v1/frame.pb.h>

namespace switchboard::chat_client {
namespace {

using namespace std::chrono_literals;
using client::patience;
using rpc::code;

class recorder final : public session_observer {
public:
  void on_event(const chat::v1::RoomEvent& event) override { events.push_back(event); }
  void on_joined() override { ++joined; }
  void on_disconnected(const std::string&, client::clock::duration pause) override { pauses.push_back(pause); }
  void on_log_restarted() override { ++restarted; }
  void on_refused(const rpc::status& why) override { refusals.push_back(why); }
  void on_published(const std::string& text, const chat::v1::PublishReply&) override { published.push_back(text); }
  void on_not_published(const std::string& text, const rpc::status&) override { not_published.push_back(text); }
  void on_members(const chat::v1::ListMembersReply& reply) override { members = reply; }

  std::vector<chat::v1::RoomEvent> events;
  int joined = 0;
  int restarted = 0;
  std::vector<client::clock::duration> pauses;
  std::vector<rpc::status> refusals;
  std::vector<std::string> published;
  std::vector<std::string> not_published;
  std::optional<chat::v1::ListMembersReply> members;
};

/// The test plays the broker, on the same thread.
class ChatSession : public testing::Test {
protected:
  session make(std::string nickname = "ann", std::uint32_t history = 10) {
    return session({.server = listener_->local(),
                    .room = "lobby",
                    .nickname = std::move(nickname),
                    .history_limit = history,
                    .pauses = {.first = 1ms, .cap = 8ms}},
                   seen_);
  }

  void accept(session& driven) {
    drive(driven, [&] { return driven.channel().connected(); });
    broker_.emplace(client::accept_from(*listener_));
  }
  /// The broker closes the connection, and the session makes a new one.
  void lose_connection(session& driven) {
    const auto losses = seen_.pauses.size();
    broker_.reset();
    drive(driven, [&] { return seen_.pauses.size() > losses; });
    drive(driven, [&] { return driven.channel().connected(); });
    broker_.emplace(client::accept_from(*listener_));
  }
  void drive(session& driven, const std::function<bool()>& done) {
    EXPECT_TRUE(event_loop(driven, patience()).until(done));
  }

  static void let_pass(session& driven, client::clock::duration time) {
    (void)driven.channel().drive_until([] { return false; }, client::within(time));
  }

  /// The next frame the session sends.
  v1::Frame take(session& driven) {
    v1::Frame frame;
    std::error_code error = make_error_code(errc::timed_out);
    for (const auto until = patience(); error == errc::timed_out && client::clock::now() < until;) {
      let_pass(driven, 1ms);
      error = broker_->receive(frame, client::no_wait);
    }
    EXPECT_EQ(error, std::error_code());
    return frame;
  }
  template <class Request>
  Request take(session& driven, std::string_view method) {
    const auto frame = take(driven);
    EXPECT_EQ(frame.method(), "switchboard.chat.v1.Chat/" + std::string(method));
    call_ = frame.call();
    Request request;
    EXPECT_TRUE(request.ParseFromString(frame.message()));
    return request;
  }
  chat::v1::JoinRequest take_join(session& driven) {
    auto request = take<chat::v1::JoinRequest>(driven, "Join");
    join_ = call_;
    return request;
  }
  bool sends_nothing(session& driven) {
    let_pass(driven, 30ms);
    v1::Frame frame;
    return broker_->receive(frame, client::no_wait) == errc::timed_out;
  }

  void send(std::uint64_t call, const google::protobuf::MessageLite& message, bool end) {
    v1::Frame frame;
    frame.set_call(call);
    frame.set_message(message.SerializeAsString());
    frame.set_end(end);
    ASSERT_EQ(broker_->send(frame, patience()), std::error_code());
  }
  void send_status(std::uint64_t call, code how) {
    v1::Frame frame;
    frame.set_call(call);
    frame.mutable_status()->set_code(static_cast<int>(how));
    ASSERT_EQ(broker_->send(frame, patience()), std::error_code());
  }
  void send_message(std::uint64_t sequence) {
    chat::v1::RoomEvent event;
    event.mutable_message()->set_sequence(sequence);
    send(join_, event, false);
  }
  void send_caught_up(session& driven, std::uint64_t sequence, const std::string& log_id = "log") {
    chat::v1::RoomEvent event;
    event.mutable_caught_up()->set_sequence(sequence);
    event.mutable_caught_up()->set_log_id(log_id);
    const auto joined = seen_.joined;
    send(join_, event, false);
    drive(driven, [&] { return seen_.joined > joined; });
  }

  std::unique_ptr<net::listener> listener_ = client::listen_on_loopback();
  std::optional<testkit::frame_channel> broker_;
  recorder seen_;
  std::uint64_t call_ = 0;  // of the request taken last
  std::uint64_t join_ = 0;
};

TEST_F(ChatSession, JoinsWithItsHistoryAndATokenOfItsOwn) {
  auto ann = make();
  accept(ann);
  const auto join = take_join(ann);
  EXPECT_EQ(join.room(), "lobby");
  EXPECT_EQ(join.nickname(), "ann");
  EXPECT_EQ(join.history_limit(), 10u);
  EXPECT_EQ(join.after_sequence(), 0u);
  EXPECT_TRUE(join.log_id().empty());
  EXPECT_EQ(join.resume_token().size(), 16u);
}

TEST_F(ChatSession, AnObserverHasNoToken) {
  auto observer = make("");
  accept(observer);
  EXPECT_TRUE(take_join(observer).resume_token().empty());
}

TEST_F(ChatSession, ResumesWhereItStopped) {
  auto ann = make();
  accept(ann);
  const auto first = take_join(ann);
  send_caught_up(ann, 5);
  send_message(6);
  drive(ann, [&] { return seen_.events.size() == 2; });
  lose_connection(ann);
  const auto again = take_join(ann);
  EXPECT_EQ(again.after_sequence(), 6u);
  EXPECT_EQ(again.log_id(), "log");
  EXPECT_EQ(again.history_limit(), 0u);
  EXPECT_EQ(again.resume_token(), first.resume_token());
}

TEST_F(ChatSession, AsksForAllThatCameSinceItLeftAnEmptyRoom) {
  auto ann = make("ann", 0);
  accept(ann);
  take_join(ann);
  send_caught_up(ann, 0);
  lose_connection(ann);
  const auto again = take_join(ann);
  EXPECT_EQ(again.after_sequence(), 0u);
  EXPECT_EQ(again.history_limit(), std::numeric_limits<std::uint32_t>::max());
}

TEST_F(ChatSession, SkipsTheSequencesOfAGap) {
  auto ann = make();
  accept(ann);
  take_join(ann);
  chat::v1::RoomEvent gap;
  gap.mutable_gap()->set_from(1);
  gap.mutable_gap()->set_to(40);
  send(join_, gap, false);
  send_caught_up(ann, 40);
  lose_connection(ann);
  EXPECT_EQ(take_join(ann).after_sequence(), 40u);
}

TEST_F(ChatSession, PassesEachMessageOnOnce) {
  auto ann = make();
  accept(ann);
  take_join(ann);
  for (const std::uint64_t sequence : {1, 2, 2, 1, 3}) send_message(sequence);
  send_caught_up(ann, 3);
  EXPECT_EQ(std::count_if(seen_.events.begin(), seen_.events.end(), [](const auto& e) { return e.has_message(); }), 3);
}

TEST_F(ChatSession, StartsOverWhenTheLogDid) {
  auto ann = make();
  accept(ann);
  take_join(ann);
  send_caught_up(ann, 5);
  lose_connection(ann);
  take_join(ann);
  send_status(join_, code::out_of_range);
  const auto over = take_join(ann);
  EXPECT_EQ(seen_.restarted, 1);
  EXPECT_EQ(over.after_sequence(), 0u);
  EXPECT_TRUE(over.log_id().empty());
  EXPECT_EQ(over.history_limit(), std::numeric_limits<std::uint32_t>::max());
  send_message(1);
  send_caught_up(ann, 1, "new log");
  EXPECT_TRUE(seen_.events.at(1).has_message());
}

TEST_F(ChatSession, JoinsAgainOnTheSameConnectionWhenTheRoomWasAway) {
  auto ann = make();
  accept(ann);
  take_join(ann);
  send_caught_up(ann, 5);
  send_status(join_, code::unavailable);
  EXPECT_EQ(take_join(ann).after_sequence(), 5u);
  EXPECT_TRUE(seen_.pauses.empty());
}

TEST_F(ChatSession, StaysOutWhereItIsRefused) {
  for (const auto how : {code::already_exists, code::invalid_argument, code::aborted, code::unauthenticated}) {
    SCOPED_TRACE(to_string(how));
    seen_.refusals.clear();
    auto ann = make();
    accept(ann);
    take_join(ann);
    send_status(join_, how);
    drive(ann, [&] { return !seen_.refusals.empty(); });
    EXPECT_EQ(seen_.refusals.at(0).code, how);
    EXPECT_TRUE(sends_nothing(ann));
  }
}

TEST_F(ChatSession, ChangesRoomsOnTheSameConnection) {
  auto ann = make();
  accept(ann);
  take_join(ann);
  send_caught_up(ann, 5);
  ann.join("den", "ann");
  EXPECT_EQ(take(ann).status().code(), static_cast<int>(code::cancelled));
  const auto join = take_join(ann);
  EXPECT_EQ(join.room(), "den");
  EXPECT_EQ(join.after_sequence(), 0u);
  EXPECT_TRUE(join.log_id().empty());
}

TEST_F(ChatSession, PublishesAfterItsJoinWithoutWaiting) {
  auto ann = make();
  ASSERT_TRUE(ann.publish("one"));
  accept(ann);
  take_join(ann);
  EXPECT_EQ(take<chat::v1::PublishRequest>(ann, "Publish").text(), "one");
}

TEST_F(ChatSession, PublishesTheNextWhenTheLastIsAcknowledged) {
  auto ann = make();
  ASSERT_TRUE(ann.publish("one"));
  ASSERT_TRUE(ann.publish("two"));
  accept(ann);
  take_join(ann);
  take<chat::v1::PublishRequest>(ann, "Publish");
  EXPECT_TRUE(sends_nothing(ann));
  send(call_, chat::v1::PublishReply(), true);
  EXPECT_EQ(take<chat::v1::PublishRequest>(ann, "Publish").text(), "two");
  EXPECT_EQ(seen_.published, std::vector<std::string>{"one"});
}

TEST_F(ChatSession, PublishesAgainUnderTheSameIdWhatWasNotAcknowledged) {
  auto ann = make();
  ASSERT_TRUE(ann.publish("one"));
  accept(ann);
  take_join(ann);
  const auto first = take<chat::v1::PublishRequest>(ann, "Publish");
  EXPECT_FALSE(first.client_message_id().empty());
  lose_connection(ann);
  take_join(ann);
  const auto again = take<chat::v1::PublishRequest>(ann, "Publish");
  EXPECT_EQ(again.text(), "one");
  EXPECT_EQ(again.client_message_id(), first.client_message_id());
}

TEST_F(ChatSession, PublishesAgainWhatCouldNotBeStored) {
  auto ann = make();
  ASSERT_TRUE(ann.publish("one"));
  accept(ann);
  take_join(ann);
  for (const auto passing : {code::unavailable, code::deadline_exceeded, code::failed_precondition}) {
    EXPECT_EQ(take<chat::v1::PublishRequest>(ann, "Publish").text(), "one");
    send_status(call_, passing);
  }
  EXPECT_EQ(take<chat::v1::PublishRequest>(ann, "Publish").text(), "one");
  EXPECT_TRUE(seen_.not_published.empty());
}

TEST_F(ChatSession, GivesUpAMessageThatIsRefusedAndGoesOnWithTheNext) {
  auto ann = make();
  ASSERT_TRUE(ann.publish("bad"));
  ASSERT_TRUE(ann.publish("good"));
  accept(ann);
  take_join(ann);
  take<chat::v1::PublishRequest>(ann, "Publish");
  send_status(call_, code::invalid_argument);
  EXPECT_EQ(take<chat::v1::PublishRequest>(ann, "Publish").text(), "good");
  EXPECT_EQ(seen_.not_published, std::vector<std::string>{"bad"});
}

TEST_F(ChatSession, KeepsNoMoreThanItsLimit) {
  auto ann = make();
  for (std::size_t i = 0; i < unacknowledged_limit; ++i) ASSERT_TRUE(ann.publish("x"));
  EXPECT_FALSE(ann.publish("one too many"));
}

TEST_F(ChatSession, GrantsCreditByHalves) {
  auto ann = make();
  accept(ann);
  const auto opening = take(ann);
  join_ = opening.call();
  ASSERT_GT(opening.credit(), 0u);
  for (std::uint64_t sequence = 1; sequence <= opening.credit() / 2; ++sequence) send_message(sequence);
  const auto grant = take(ann);
  EXPECT_EQ(grant.call(), join_);
  EXPECT_EQ(grant.credit(), opening.credit() / 2);
}

TEST_F(ChatSession, AsksWhoIsThere) {
  auto ann = make();
  accept(ann);
  take_join(ann);
  ann.request_members();
  EXPECT_EQ(take<chat::v1::ListMembersRequest>(ann, "ListMembers").room(), "lobby");
  chat::v1::ListMembersReply reply;
  reply.add_nicknames("ann");
  send(call_, reply, true);
  drive(ann, [&] { return seen_.members.has_value(); });
  EXPECT_EQ(seen_.members->nicknames_size(), 1);
}

TEST_F(ChatSession, TriesAgainForAsLongAsItIsDriven) {
  auto ann = make();
  listener_.reset();
  drive(ann, [&] { return seen_.pauses.size() == 8; });
  EXPECT_FALSE(ann.was_connected());
  client::clock::duration bound = 1ms;
  for (const auto pause : seen_.pauses) {
    EXPECT_LE(pause, bound);
    bound = std::min<client::clock::duration>(bound * 2, 8ms);
  }
}

}  // namespace
}  // namespace switchboard::chat_client
