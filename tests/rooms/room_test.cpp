#include "plain_codec.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <string>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/exit_reason.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <gtest/gtest.h>

#include <switchboard/rooms/memory_log.hpp>
#include <switchboard/rooms/presence_storm.hpp>
#include <switchboard/rooms/room.hpp>
#include <switchboard/rooms/subscribers.hpp>
#include <switchboard/rpc/answers.hpp>
#include <switchboard/testkit/scripted_port.hpp>
#include <switchboard/v1/frame.pb.h>
#include <switchboard/wire/frame_decoder.hpp>

namespace switchboard::rooms {
namespace {

using words = std::vector<std::string>;

/// A log that counts its appends and answers them when the test says so, or fails them, or throws.
class staged_log final : public log {
public:
  enum class mode { at_once, later, failing, throwing };

  explicit staged_log(std::shared_ptr<log> behind) : behind_(std::move(behind)) {}

  void append(std::vector<record> records, std::function<void(std::vector<append_result>)> done) override {
    ++appends;
    switch (how) {
      case mode::at_once:
        return behind_->append(std::move(records), std::move(done));
      case mode::later:
        waiting_.push_back([this, records = std::move(records), done = std::move(done)]() mutable {
          behind_->append(std::move(records), std::move(done));
        });
        return;
      case mode::failing: {
        std::vector<append_result> results(records.size());
        for (auto& each : results) each.status = {rpc::code::resource_exhausted, "the disk is full"};
        return done(std::move(results));
      }
      case mode::throwing:
        throw std::runtime_error("out of luck");
    }
  }
  void read(page_request wanted, std::function<void(log_page)> done) override {
    if (!unreadable) return behind_->read(std::move(wanted), std::move(done));
    log_page page;
    page.status = {rpc::code::unavailable, "unreadable"};
    done(std::move(page));
  }
  void watch(growth_callback grown) override { behind_->watch(std::move(grown)); }
  log_extent extent() const override { return behind_->extent(); }
  rpc::status condition() const override { return damage; }

  void answer() {
    auto appends_waiting = std::exchange(waiting_, {});
    for (auto& each : appends_waiting) each();
  }

  mode how = mode::at_once;
  bool unreadable = false;
  rpc::status damage;
  int appends = 0;

private:
  const std::shared_ptr<log> behind_;
  std::vector<std::function<void()>> waiting_;
};

class Room : public testing::Test {
protected:
  struct stepped : caf::actor_system_config {
    stepped() { set("scheduler.policy", caf::atom("testing")); }
  };

  /// What a connection is to a room: it opens calls and takes what comes back.
  class connection {
  public:
    connection(caf::actor_system& system, std::uint64_t id) : self_(system) {
      caller_ = std::make_shared<const rpc::caller>(
          rpc::caller{id, caf::actor_cast<caf::strong_actor_ptr>(self_.ptr()), "test", {}, 1 << 20});
    }

    rpc::call_handle open() { return {rpc::call_context{caller_, last_call_ += 2, rpc::time_point::max(), nullptr}}; }
    std::uint64_t last_call() const { return last_call_; }
    std::uint64_t id() const { return caller_->id; }

    /// Takes up all messages that have come.
    void take_up() {
      bool more = true;
      while (more)
        self_->receive([this](rpc::answers& content) { take_up(content); },
                       [this](const rpc::stream_ready& ready) { ++wakes[ready.call]; },
                       caf::after(std::chrono::seconds(0)) >> [&more] { more = false; });
    }

    /// What a unary call was answered: its reply's words, or its status's code.
    std::string answer_to(std::uint64_t call) {
      take_up();
      const auto found = answers_.find(call);
      return found == answers_.end() ? "nothing" : found->second;
    }

    /// What a stream holds for its reader now; its end is the status's code.
    words read(std::uint64_t call) {
      take_up();
      const auto found = streams_.find(call);
      if (found == streams_.end()) return {answer_to(call)};
      words seen;
      rpc::payload next;
      for (;;) {
        switch (found->second->next(next)) {
          case rpc::source::outcome::message:
            seen.emplace_back(next.bytes);
            break;
          case rpc::source::outcome::wait:
            return seen;
          case rpc::source::outcome::end:
            seen.push_back(rpc::to_string(found->second->result().code));
            return seen;
        }
      }
    }

    /// Ends a stream, as a cancel does.
    void cancel(std::uint64_t call) {
      take_up();
      streams_.erase(call);
      if (watchers_[call]) caf::anon_send(caf::actor_cast<caf::actor>(watchers_[call]), rpc::call_ended{id(), call});
    }

    std::map<std::uint64_t, int> wakes;

  private:
    void take_up(rpc::answers& content) {
      for (auto& each : content.watches) watchers_[each.call] = each.notice->take_watcher();
      for (auto& each : content.streams) {
        const auto source = streams_[each.call] = each.source->take();
        source->attach(rpc::waker{caf::actor_cast<caf::strong_actor_ptr>(self_.ptr()), each.call});
      }
      wire::frame_decoder decoder;
      decoder.feed(std::as_bytes(std::span{content.frames}));
      for (wire::frame_view frame; decoder.next(frame) == wire::frame_decoder::outcome::frame;) {
        ASSERT_FALSE(answers_.contains(frame.call)) << "answered twice";
        if (frame.has_status) {
          v1::Status status;
          ASSERT_TRUE(status.ParseFromArray(frame.status.data(), static_cast<int>(frame.status.size())));
          answers_[frame.call] = rpc::to_string(static_cast<rpc::code>(status.code()));
        } else {
          v1::PingReply reply;
          ASSERT_TRUE(reply.ParseFromArray(frame.message.data(), static_cast<int>(frame.message.size())));
          answers_[frame.call] = reply.payload();
        }
      }
    }

    caf::scoped_actor self_;
    std::shared_ptr<const rpc::caller> caller_;
    std::uint64_t last_call_ = 1;
    std::map<std::uint64_t, std::string> answers_;
    std::map<std::uint64_t, std::shared_ptr<rpc::source>> streams_;
    std::map<std::uint64_t, caf::strong_actor_ptr> watchers_;
  };

  Room() { start_room(); }
  ~Room() override { stop_room(); }

  void start_room() {
    caf::scoped_actor parent{system};
    room = spawn_room(*parent, "r", std::make_shared<plain_codec>(), log, {}, room_metrics{figures}, pump);
  }
  void stop_room() {
    caf::anon_send_exit(room.actor, caf::exit_reason::kill);
    run();
  }
  /// A turn of the room, which alone has messages.
  void run_one_turn() { dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler()).try_run_once(); }
  void run() { dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler()).run(); }

  void pass(notification_pump::clock::duration span) {
    static_cast<testkit::scripted_port&>(pump->port()).advance(span);
    pump->serve(notify::notification_port::duration::zero());
    run();
  }
  /// Bob comes and goes, and is there in the end; the call with which he is.
  std::uint64_t make_storm() {
    auto call = join(bob, "bob");
    run();
    for (std::size_t n = 0; n < presence_storm::changes_per_second; ++n) call = join_again(bob, "bob", call);
    return call;
  }
  /// Leaves, and joins under the same nickname.
  std::uint64_t join_again(connection& who, const std::string& nickname, std::uint64_t call) {
    who.cancel(call);
    const auto again = join(who, nickname);
    run();
    return again;
  }

  std::uint64_t join(connection& who, room_join how) {
    how.call = room_call{who.open()};
    caf::anon_send(room.actor, room_join_message{std::move(how)});
    return who.last_call();
  }
  std::uint64_t join(connection& who, std::string nickname, std::string token = {}) {
    room_join how;
    how.nickname = std::move(nickname);
    how.resume_token = std::move(token);
    return join(who, std::move(how));
  }
  std::uint64_t publish(connection& who, std::string content, std::string id = {}) {
    caf::anon_send(room.actor,
                   room_publish_message{room_publish{room_call{who.open()}, std::move(content), std::move(id)}});
    return who.last_call();
  }
  /// So many streams of one connection, which have been read.
  std::vector<std::uint64_t> observe(connection& who, std::size_t count) {
    std::vector<std::uint64_t> streams;
    for (std::size_t n = 0; n < count; ++n) streams.push_back(join(who, ""));
    run();
    for (const auto call : streams) who.read(call);
    who.wakes.clear();
    return streams;
  }
  /// "ann bob", or "ann bob …" where there are more.
  std::string members(std::string after = {}, std::size_t limit = 100) {
    caf::scoped_actor asking{system};
    auto answer = asking->request(room.actor, caf::infinite, room_members{std::move(after), limit});
    run();
    std::string all;
    answer.receive(
        [&](const members_page& page) {
          for (const auto& name : page.names) all.append(all.empty() ? "" : " ").append(name);
          if (page.more) all += " …";
        },
        [&](const caf::error& failure) { all = caf::to_string(failure); });
    return all;
  }

  stepped config;
  std::shared_ptr<metrics::registry> figures = std::make_shared<metrics::registry>();
  std::shared_ptr<notification_pump> pump = notification_pump::create(std::make_unique<testkit::scripted_port>());
  caf::actor_system system{config};
  memory_store store{plain_codec::encoder()};
  std::shared_ptr<staged_log> log = std::make_shared<staged_log>(store.open("r"));
  room_handle room;
  connection ann{system, 1};
  connection bob{system, 2};
  connection cid{system, 3};
};

TEST_F(Room, WakesEachOfAThousandMembersOnceATurnHoweverMuchItPublishes) {
  constexpr int members_count = 1'000;
  std::vector<std::unique_ptr<connection>> all;
  std::vector<std::uint64_t> streams;
  for (int i = 0; i < members_count; ++i) {
    all.push_back(std::make_unique<connection>(system, 100 + i));
    streams.push_back(join(*all.back(), "member" + std::to_string(i)));
  }
  run();
  const auto read_all = [&] {
    for (int i = 0; i < members_count; ++i) all[i]->read(streams[i]);
  };
  // Presence too comes by wakes: everybody reads until all is quiet.
  read_all();
  const auto wakes_of = [&](int messages) {
    std::size_t before = 0;
    std::size_t after = 0;
    for (auto& each : all)
      for (const auto& [call, count] : each->wakes) before += count;
    for (int i = 0; i < messages; ++i) publish(*all.front(), "x");
    run();
    for (auto& each : all) {
      each->take_up();
      for (const auto& [call, count] : each->wakes) after += count;
    }
    read_all();
    return after - before;
  };
  EXPECT_EQ(wakes_of(1), members_count);
  EXPECT_EQ(wakes_of(60), members_count);
}

TEST_F(Room, LetsNoOneInOnceItsLogIsDamaged) {
  const auto stream = join(ann, "ann");
  run();
  log->damage = {rpc::code::data_loss, "room r is damaged"};
  const auto refused = join(bob, "bob");
  const auto published = publish(bob, "hi");
  run();
  EXPECT_EQ(ann.read(stream), words{"caught up 0"});
  EXPECT_EQ(bob.read(refused), words{"DATA_LOSS"});
  EXPECT_EQ(bob.answer_to(published), "DATA_LOSS");
}

TEST_F(Room, TurnsAJoinIntoAStream) {
  const auto stream = join(ann, "ann");
  run();
  EXPECT_EQ(ann.read(stream), words{"caught up 0"});
  EXPECT_EQ(room.occupancy->members.load(), 1u);
}

TEST_F(Room, IsUnusedWhenItHasNoStreamAndNothingToDo) {
  const auto unused_after = [&] { return room.occupancy->unused_after.load(); };
  EXPECT_EQ(unused_after(), 0u);
  const auto call = join(ann, "ann");
  run();
  EXPECT_EQ(unused_after(), room_occupancy::in_use);
  log->how = staged_log::mode::later;
  publish(ann, "hi");
  run();
  ann.cancel(call);
  run();
  EXPECT_EQ(unused_after(), room_occupancy::in_use) << "the log still writes";
  log->answer();
  run();
  EXPECT_EQ(unused_after(), 2u);
}

TEST_F(Room, IsUnusedAfterWhatItRefused) {
  publish(ann, "hi");
  room_join elsewhere;
  elsewhere.log_id = "another";
  join(ann, std::move(elsewhere));
  run();
  EXPECT_EQ(room.occupancy->unused_after.load(), 2u);
}

TEST_F(Room, CountsWhatIsPublishedAndDelivered) {
  const auto to_ann = join(ann, "ann");
  const auto to_bob = join(bob, "bob");
  publish(ann, "hi", "1");
  publish(ann, "hi", "1");
  run();
  log->how = staged_log::mode::failing;
  publish(bob, "lost");
  run();
  const auto taken = ann.read(to_ann).size() + bob.read(to_bob).size();
  const auto read = figures->read();
  EXPECT_EQ(read.value("switchboard_room_messages_total"), 1);
  EXPECT_EQ(read.value("switchboard_room_duplicates_total"), 1);
  EXPECT_EQ(read.value("switchboard_room_publish_failures_total"), 1);
  EXPECT_EQ(read.value("switchboard_room_deliveries_total"), static_cast<std::int64_t>(taken));
}

TEST_F(Room, CountsItselfAndItsMembersWhileTheyAreThere) {
  const auto stream = join(ann, "ann");
  join(bob, "bob");
  join(cid, "");  // an observer
  run();
  EXPECT_EQ(figures->read().value("switchboard_rooms"), 1);
  EXPECT_EQ(figures->read().value("switchboard_room_members"), 2);
  ann.cancel(stream);
  run();
  EXPECT_EQ(figures->read().value("switchboard_room_members"), 1);
  stop_room();
  EXPECT_EQ(figures->read().value("switchboard_rooms"), 0);
  EXPECT_EQ(figures->read().value("switchboard_room_members"), 0);
}

TEST_F(Room, GivesEachMemberEachMessage) {
  const auto to_ann = join(ann, "ann");
  const auto to_bob = join(bob, "bob");
  const auto reply = publish(ann, "hi");
  run();
  EXPECT_EQ(ann.read(to_ann), (words{"caught up 0", "+bob", "1:ann says hi"}));
  EXPECT_EQ(bob.read(to_bob), (words{"caught up 0", "1:ann says hi"}));
  EXPECT_EQ(ann.answer_to(reply), "stored 1");
}

TEST_F(Room, FindsAPublishRightBehindAJoinJoined) {
  join(ann, "ann");
  const auto reply = publish(ann, "hi");
  run();
  EXPECT_EQ(ann.answer_to(reply), "stored 1");
}

TEST_F(Room, RefusesToPublishForWhoIsNoMember) {
  join(bob, "");
  const auto stranger = publish(ann, "hi");
  const auto observer = publish(bob, "hi");
  run();
  EXPECT_EQ(ann.answer_to(stranger), "FAILED_PRECONDITION");
  EXPECT_EQ(bob.answer_to(observer), "FAILED_PRECONDITION");
  EXPECT_EQ(log->appends, 0);
}

TEST_F(Room, TellsNobodyOfAnObserver) {
  const auto to_ann = join(ann, "ann");
  const auto to_bob = join(bob, "");
  publish(ann, "hi");
  run();
  bob.cancel(to_bob);
  run();
  EXPECT_EQ(ann.read(to_ann), (words{"caught up 0", "1:ann says hi"}));
  EXPECT_EQ(room.occupancy->members.load(), 1u);
}

TEST_F(Room, LetsAMemberLeaveWhenItsStreamEnds) {
  const auto to_ann = join(ann, "ann");
  const auto to_bob = join(bob, "bob");
  publish(ann, "bye");
  run();
  ann.cancel(to_ann);
  run();
  EXPECT_EQ(bob.read(to_bob), (words{"caught up 0", "1:ann says bye", "-ann"}));
  EXPECT_EQ(room.occupancy->members.load(), 1u);
  const auto late = publish(ann, "still here?");
  run();
  EXPECT_EQ(ann.answer_to(late), "FAILED_PRECONDITION");
}

TEST_F(Room, FreesANicknameThatLeft) {
  const auto stream = join(ann, "ann");
  run();
  ann.cancel(stream);
  const auto again = join(bob, "ann");
  run();
  EXPECT_EQ(bob.read(again), words{"caught up 0"});
}

TEST_F(Room, GivesANicknameToOneAtATime) {
  join(ann, "ann");
  const auto second = join(bob, "ann");
  run();
  EXPECT_EQ(bob.answer_to(second), "ALREADY_EXISTS");
}

TEST_F(Room, GivesAConnectionOneNicknameAtATime) {
  join(ann, "ann");
  const auto other = join(ann, "other");
  const auto same = join(ann, "ann");
  const auto observer = join(ann, "");
  run();
  EXPECT_EQ(ann.answer_to(other), "ALREADY_EXISTS");
  EXPECT_EQ(ann.answer_to(same), "ALREADY_EXISTS");
  EXPECT_EQ(ann.read(observer), words{"caught up 0"});
}

TEST_F(Room, ShowsAConnectionsOtherStreamsItsJoining) {
  const auto observer = join(ann, "");
  const auto own = join(ann, "ann");
  run();
  EXPECT_EQ(ann.read(observer), (words{"caught up 0", "+ann"}));
  EXPECT_EQ(ann.read(own), words{"caught up 0"});
}

TEST_F(Room, RefusesAPlaceInAnotherLogOrBeyondTheLast) {
  room_join other_log;
  other_log.log_id = "another";
  room_join beyond;
  beyond.after_sequence = 1;
  const auto first = join(ann, std::move(other_log));
  const auto second = join(ann, std::move(beyond));
  run();
  EXPECT_EQ(ann.answer_to(first), "OUT_OF_RANGE");
  EXPECT_EQ(ann.answer_to(second), "OUT_OF_RANGE");
}

TEST_F(Room, ResumesInTheSameLog) {
  const auto stream = join(ann, "ann");
  publish(ann, "one");
  publish(ann, "two");
  run();
  ann.cancel(stream);
  room_join resume;
  resume.nickname = "ann";
  resume.log_id = log->extent().id;
  resume.after_sequence = 1;
  const auto resumed = join(ann, std::move(resume));
  run();
  EXPECT_EQ(ann.read(resumed), (words{"2:ann says two", "-ann", "caught up 2"}));
}

TEST_F(Room, ChecksThePlaceBeforeTheNickname) {
  join(ann, "ann", "token");
  room_join taken;
  taken.nickname = "ann";
  taken.resume_token = "token";
  taken.after_sequence = 9;
  const auto refused = join(bob, std::move(taken));
  const auto still = publish(ann, "still here");
  run();
  EXPECT_EQ(bob.answer_to(refused), "OUT_OF_RANGE");
  EXPECT_EQ(ann.answer_to(still), "stored 1");
}

TEST_F(Room, HandsANicknameOverToItsToken) {
  const auto to_cid = join(cid, "cid");
  const auto before = join(ann, "ann", "token");
  const auto after = join(bob, "ann", "token");
  const auto by_old = publish(ann, "old");
  const auto by_new = publish(bob, "new");
  run();
  EXPECT_EQ(ann.read(before), words{"ABORTED"});
  EXPECT_EQ(ann.answer_to(by_old), "FAILED_PRECONDITION");
  EXPECT_EQ(bob.answer_to(by_new), "stored 1");
  EXPECT_EQ(bob.read(after), (words{"caught up 0", "1:ann says new"}));
  EXPECT_EQ(cid.read(to_cid), (words{"caught up 0", "+ann", "1:ann says new"}));
  EXPECT_EQ(room.occupancy->members.load(), 2u);
}

TEST_F(Room, KeepsAMemberWhoseFormerStreamEnds) {
  const auto before = join(ann, "ann", "token");
  run();
  ann.take_up();
  join(bob, "ann", "token");
  run();
  ann.cancel(before);
  const auto reply = publish(bob, "here");
  run();
  EXPECT_EQ(bob.answer_to(reply), "stored 1");
  EXPECT_EQ(room.occupancy->members.load(), 1u);
}

TEST_F(Room, LetsAConnectionTakeOverItsOwnStream) {
  const auto before = join(ann, "ann", "token");
  const auto after = join(ann, "ann", "token");
  const auto reply = publish(ann, "me");
  run();
  EXPECT_EQ(ann.read(before), words{"ABORTED"});
  EXPECT_EQ(ann.read(after), (words{"caught up 0", "1:ann says me"}));
  EXPECT_EQ(ann.answer_to(reply), "stored 1");
}

TEST_F(Room, HandsNothingOverWithoutTheToken) {
  join(ann, "ann");
  const auto empty = join(bob, "ann");
  const auto wrong = join(bob, "ann", "token");
  run();
  EXPECT_EQ(bob.answer_to(empty), "ALREADY_EXISTS");
  EXPECT_EQ(bob.answer_to(wrong), "ALREADY_EXISTS");
}

TEST_F(Room, HandsNothingOverToWhoHoldsAnotherNickname) {
  join(ann, "ann", "token");
  join(bob, "bob");
  const auto refused = join(bob, "ann", "token");
  const auto still = publish(ann, "still here");
  run();
  EXPECT_EQ(bob.answer_to(refused), "ALREADY_EXISTS");
  EXPECT_EQ(ann.answer_to(still), "stored 1");
}

TEST_F(Room, NamesItsMembersInOrder) {
  join(bob, "bob");
  join(cid, "Cid");
  join(ann, "ann");
  EXPECT_EQ(members(), "Cid ann bob");
  EXPECT_EQ(members("Cid", 1), "ann …");
  EXPECT_EQ(members("ann", 100), "bob");
}

TEST_F(Room, StoresAnIdOnceForEachSender) {
  join(ann, "ann");
  join(bob, "bob");
  const auto first = publish(ann, "hi", "id");
  const auto again = publish(ann, "hi", "id");
  const auto others = publish(bob, "hi", "id");
  run();
  EXPECT_EQ(ann.answer_to(first), "stored 1");
  EXPECT_EQ(ann.answer_to(again), "duplicate of 1");
  EXPECT_EQ(bob.answer_to(others), "stored 2");
}

TEST_F(Room, AppendsWhatWaitsTogetherAndWakesEachReaderOnce) {
  const auto to_ann = join(ann, "ann");
  const auto to_bob = join(bob, "bob");
  run();
  ann.read(to_ann);
  bob.read(to_bob);
  ann.wakes.clear();
  bob.wakes.clear();
  for (int i = 0; i < 10; ++i) publish(ann, "x");
  run();
  ann.take_up();
  bob.take_up();
  EXPECT_EQ(log->appends, 1);
  EXPECT_EQ(ann.wakes[to_ann], 1);
  EXPECT_EQ(bob.wakes[to_bob], 1);
  EXPECT_EQ(bob.read(to_bob).size(), 10u);
}

TEST_F(Room, WakesSoManyReadersATurnAndAllOfThemOnce) {
  join(bob, "bob");
  const auto streams = observe(ann, 2 * subscribers::notified_at_once + 10);
  publish(bob, "x");
  run_one_turn();
  ann.take_up();
  EXPECT_NEAR(static_cast<double>(ann.wakes.size()), static_cast<double>(subscribers::notified_at_once), 1);
  run();
  ann.take_up();
  EXPECT_EQ(ann.wakes.size(), streams.size());
  for (const auto& [call, count] : ann.wakes) EXPECT_EQ(count, 1) << call;
}

TEST_F(Room, WakesReadersAgainForWhatComesWhileItWakesOthers) {
  join(bob, "bob");
  const auto streams = observe(ann, 5 * subscribers::notified_at_once);
  std::map<std::uint64_t, std::size_t> had;
  const auto read_woken = [&] {
    ann.take_up();
    for (const auto& [call, count] : std::exchange(ann.wakes, {})) had[call] += ann.read(call).size();
  };
  publish(bob, "x");
  run_one_turn();
  read_woken();
  publish(bob, "y");
  run();
  read_woken();
  for (const auto call : streams) ASSERT_EQ(had[call], 2u) << call;
}

TEST_F(Room, WakesEveryReaderThatStaysWhenOthersLeaveMeanwhile) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 dice{seed};
  join(bob, "bob");
  auto streams = observe(ann, 4 * subscribers::notified_at_once);
  publish(bob, "x");
  run_one_turn();
  std::shuffle(streams.begin(), streams.end(), dice);
  for (std::size_t leaving = dice() % streams.size(); leaving > 0; --leaving) {
    ann.cancel(streams.back());
    streams.pop_back();
  }
  run();
  ann.take_up();
  for (const auto call : streams) ASSERT_EQ(ann.wakes[call], 1) << call;
}

TEST_F(Room, WakesNoReaderThatOwesALook) {
  const auto to_bob = join(bob, "bob");
  join(ann, "ann");
  run();
  bob.read(to_bob);
  bob.wakes.clear();
  for (int i = 0; i < 10; ++i) {
    publish(ann, "x");
    run();
  }
  bob.take_up();
  EXPECT_EQ(log->appends, 10);
  EXPECT_EQ(bob.wakes[to_bob], 1);
}

TEST_F(Room, ShowsAndAnswersNothingBeforeTheLogHasIt) {
  const auto to_ann = join(ann, "ann");
  run();
  log->how = staged_log::mode::later;
  const auto reply = publish(ann, "hi");
  run();
  EXPECT_EQ(ann.answer_to(reply), "nothing");
  EXPECT_EQ(ann.read(to_ann), words{"caught up 0"});
  log->answer();
  run();
  EXPECT_EQ(ann.answer_to(reply), "stored 1");
  EXPECT_EQ(ann.read(to_ann), words{"1:ann says hi"});
}

TEST_F(Room, PutsALeaveBehindAMessageThatTheLogStillWrites) {
  const auto to_ann = join(ann, "ann");
  const auto to_bob = join(bob, "bob");
  run();
  log->how = staged_log::mode::later;
  publish(ann, "bye");
  run();
  ann.cancel(to_ann);
  const auto again = join(cid, "ann");
  publish(cid, "hello");
  run();
  EXPECT_EQ(bob.read(to_bob), words{"caught up 0"});
  log->answer();
  run();
  EXPECT_EQ(bob.read(to_bob), (words{"1:ann says bye", "-ann", "+ann", "2:ann says hello"}));
  EXPECT_EQ(cid.read(again), (words{"caught up 0", "1:ann says bye", "-ann", "2:ann says hello"}));
}

TEST_F(Room, PassesOnWhatTheLogSaysOfAFailure) {
  const auto to_ann = join(ann, "ann");
  run();
  log->how = staged_log::mode::failing;
  const auto failed = publish(ann, "lost");
  run();
  log->how = staged_log::mode::at_once;
  const auto stored = publish(ann, "kept");
  run();
  EXPECT_EQ(ann.answer_to(failed), "RESOURCE_EXHAUSTED");
  EXPECT_EQ(ann.answer_to(stored), "stored 1");
  EXPECT_EQ(ann.read(to_ann), (words{"caught up 0", "1:ann says kept"}));
}

TEST_F(Room, LetsAMemberLeaveWhoseStreamTheLogFailed) {
  join(ann, "ann");
  publish(ann, "hi");
  room_join from_start;
  from_start.nickname = "bob";
  from_start.history_limit = 10;
  const auto to_bob = join(bob, std::move(from_start));
  run();
  log->unreadable = true;
  EXPECT_EQ(bob.read(to_bob), words{"UNAVAILABLE"});
  run();
  EXPECT_EQ(room.occupancy->members.load(), 1u);
}

TEST_F(Room, EndsItsStreamsWithUnavailable) {
  const auto to_ann = join(ann, "ann");
  run();
  EXPECT_EQ(ann.read(to_ann), words{"caught up 0"});
  ann.wakes.clear();
  stop_room();
  ann.take_up();
  EXPECT_EQ(ann.wakes[to_ann], 1);
  EXPECT_EQ(ann.read(to_ann), words{"UNAVAILABLE"});
  EXPECT_EQ(room.occupancy->members.load(), 0u);
}

TEST_F(Room, AnswersWhatItHeldWithUnavailable) {
  join(ann, "ann");
  run();
  log->how = staged_log::mode::later;
  const auto held = publish(ann, "hi");
  run();
  const auto in_mailbox = publish(ann, "unread");
  caf::anon_send_exit(room.actor, caf::exit_reason::kill);
  const auto behind = join(bob, "bob");
  run();
  const auto too_late = publish(ann, "hello?");
  run();
  for (const auto call : {held, in_mailbox, too_late}) EXPECT_EQ(ann.answer_to(call), "UNAVAILABLE") << call;
  EXPECT_EQ(bob.answer_to(behind), "UNAVAILABLE");
  // What the log accepted it keeps.
  log->answer();
  run();
  EXPECT_EQ(log->extent().last, 1u);
}

TEST_F(Room, EndsWhenItFails) {
  const auto to_ann = join(ann, "ann");
  run();
  log->how = staged_log::mode::throwing;
  const auto reply = publish(ann, "hi");
  run();
  EXPECT_EQ(ann.answer_to(reply), "UNAVAILABLE");
  EXPECT_EQ(ann.read(to_ann), words{"UNAVAILABLE"});
}

TEST_F(Room, ShowsWhatTheRoomBeforeItWasStillAppending) {
  join(ann, "ann");
  run();
  log->how = staged_log::mode::later;
  publish(ann, "late");
  run();
  stop_room();
  start_room();
  const auto to_bob = join(bob, "bob");
  run();
  ASSERT_EQ(bob.read(to_bob), words{"caught up 0"});
  log->answer();
  run();
  EXPECT_EQ(bob.read(to_bob), words{"1:ann says late"});
}

TEST_F(Room, ShowsWhatOthersAppendAlsoWhereTheRoomBeforeItEndsLater) {
  const auto earlier = room.actor;
  start_room();
  const auto to_ann = join(ann, "ann");
  run();
  ASSERT_EQ(ann.read(to_ann), words{"caught up 0"});
  caf::anon_send_exit(earlier, caf::exit_reason::user_shutdown);
  run();
  log->append({{plain_codec{}.body("other", "x"), {}}}, [](const auto&) {});
  run();
  EXPECT_EQ(ann.read(to_ann), words{"1:other says x"});
}

TEST_F(Room, ShowsWhatWasAppendedWhileNobodyWatchedTheLog) {
  stop_room();
  start_room();
  log->append({{plain_codec{}.body("other", "x"), {}}}, [](const auto&) {});
  const auto to_ann = join(ann, {.history_limit = 10});
  run();
  EXPECT_EQ(ann.read(to_ann), (words{"1:other says x", "caught up 1"}));
}

TEST_F(Room, ShowsWhatOthersAppendAsFarAsTheLogGoes) {
  const auto to_ann = join(ann, "ann");
  run();
  ASSERT_EQ(ann.read(to_ann), words{"caught up 0"});
  // More than one page.
  std::vector<record> records(200, record{plain_codec{}.body("other", "x"), {}});
  log->append(std::move(records), [](const auto&) {});
  run();
  const auto seen = ann.read(to_ann);
  ASSERT_EQ(seen.size(), 200u);
  EXPECT_EQ(seen.back(), "200:other says x");
}

TEST_F(Room, GoesOnCountingInFrontOfTheSameLog) {
  join(ann, "ann");
  publish(ann, "before");
  run();
  stop_room();
  start_room();
  room_join from_start;
  from_start.nickname = "ann";
  from_start.history_limit = 10;
  const auto stream = join(ann, std::move(from_start));
  const auto reply = publish(ann, "after");
  run();
  EXPECT_EQ(ann.answer_to(reply), "stored 2");
  EXPECT_EQ(ann.read(stream), (words{"1:ann says before", "caught up 1", "2:ann says after"}));
}

// -- storms of membership events ------------------------------------------------------------------------------------

TEST_F(Room, ShowsEveryChangeWhereThereAreNoMoreThanAThousandASecond) {
  const auto stream = join(ann, "");
  run();
  ann.read(stream);
  auto call = join(bob, "bob");
  run();
  EXPECT_EQ(ann.read(stream), words{"+bob"});
  std::size_t seen = 0;
  for (int second = 0; second < 5; ++second) {
    pass(std::chrono::seconds(1));
    for (int n = 0; n < 500; ++n) call = join_again(bob, "bob", call);
    seen += ann.read(stream).size();
  }
  EXPECT_EQ(seen, 5'000u);
}

TEST_F(Room, DropsALeftWithTheJoinedThatUndoesItInAStorm) {
  const auto stream = join(ann, "");
  run();
  ann.read(stream);
  auto call = make_storm();
  ann.read(stream);
  words seen;
  for (int n = 0; n < 5'000; ++n) {
    call = join_again(bob, "bob", call);
    if (n % 100 != 99) continue;
    const auto more = ann.read(stream);
    seen.insert(seen.end(), more.begin(), more.end());
  }
  // All but those that lie on both sides of a boundary of the tail's chunks.
  EXPECT_LE(seen.size(), 2 * (10'000 / tail::chunk_entries + 1));
  for (std::size_t n = 0; n < seen.size(); ++n) EXPECT_EQ(seen[n], n % 2 == 0 ? "-bob" : "+bob") << n;
  EXPECT_EQ(seen.size() % 2, 0u) << "he is there";
  EXPECT_EQ(members(), "bob");
}

TEST_F(Room, DropsPairsOfSeveralMembersThatLieAcrossOneAnother) {
  auto of_bob = make_storm();
  auto of_cid = join(cid, "cid");
  const auto stream = join(ann, "");
  run();
  ann.read(stream);
  // As soon as both are in one chunk.
  words seen;
  for (std::uint32_t n = 0; n < tail::chunk_entries; ++n) {
    bob.cancel(of_bob);
    cid.cancel(of_cid);
    of_bob = join(bob, "bob");
    of_cid = join(cid, "cid");
    run();
    seen = ann.read(stream);
    if (seen.empty()) break;
  }
  EXPECT_EQ(seen, words{});
}

TEST_F(Room, DropsNothingThatAReaderHasHalfOf) {
  const auto stream = join(ann, "");
  auto call = make_storm();
  ann.read(stream);
  for (int n = 0; n < 100; ++n) {
    bob.cancel(call);
    run();
    EXPECT_EQ(ann.read(stream), words{"-bob"});
    call = join(bob, "bob");
    run();
    EXPECT_EQ(ann.read(stream), words{"+bob"});
  }
}

TEST_F(Room, DropsNothingThatAMessageLiesBetween) {
  const auto stream = join(ann, "ann");
  const auto call = make_storm();
  ann.read(stream);
  bob.cancel(call);
  run();
  publish(ann, "hi");
  run();
  join(bob, "bob");
  run();
  EXPECT_EQ(ann.read(stream), (words{"-bob", "1:ann says hi", "+bob"}));
}

TEST_F(Room, DropsNoChangesOfDifferentMembers) {
  const auto stream = join(ann, "");
  auto call = make_storm();
  ann.read(stream);
  bob.cancel(call);
  run();
  call = join(bob, "dan");
  run();
  EXPECT_EQ(ann.read(stream), (words{"-bob", "+dan"}));
}

TEST_F(Room, NotifiesItsReadersOfAStormNowAndThen) {
  const auto stream = join(ann, "ann");
  auto call = make_storm();
  ann.read(stream);
  const auto before = ann.wakes[stream];
  for (int n = 0; n < 100; ++n) call = join_again(bob, "bob", call);
  ann.take_up();
  EXPECT_EQ(ann.wakes[stream], before);
  pass(std::chrono::milliseconds(50));
  ann.take_up();
  EXPECT_EQ(ann.wakes[stream], before + 1);
  ann.read(stream);
  publish(ann, "hi");
  run();
  ann.take_up();
  EXPECT_EQ(ann.wakes[stream], before + 2) << "of a message at once";
}

TEST_F(Room, ShowsEveryChangeAgainWhenAStormIsOver) {
  const auto stream = join(ann, "");
  auto call = make_storm();
  pass(std::chrono::seconds(3));
  ann.read(stream);
  call = join_again(bob, "bob", call);
  EXPECT_EQ(ann.read(stream), (words{"-bob", "+bob"}));
}

}  // namespace
}  // namespace switchboard::rooms
