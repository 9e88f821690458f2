// Actors on workers that wait in the port: no actor starves, no message is stranded, and idle costs nothing.

#include "running_system.hpp"

#include <algorithm>
#include <iterator>
#include <vector>

#include <caf/actor_cast.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <gtest/gtest.h>

#include <switchboard/pump/pump_worker.hpp>

namespace switchboard {
namespace {

using namespace pump_test;
using notify::interest;

void end(const caf::actor& ended) {
  caf::anon_send_exit(ended, caf::exit_reason::user_shutdown);
}

caf::behavior echoing(caf::event_based_actor*, int added) {
  return {[=](int number) { return number + added; }};
}

/// Answers each number but the last, and reports that one.
caf::behavior counting_down(caf::event_based_actor* self, std::shared_ptr<happenings> told) {
  return {[=](int number) {
            if (number == 0) {
              told->tell("done");
            } else {
              self->send(caf::actor_cast<caf::actor>(self->current_sender()), number - 1);
            }
          },
          [=](const caf::actor& partner, int number) { self->send(partner, number); }};
}

caf::behavior teller(caf::event_based_actor*, std::shared_ptr<happenings> told) {
  return {[=](int number) { told->tell(std::to_string(number)); }};
}

caf::behavior blocking(caf::event_based_actor*, std::shared_ptr<gate> held) {
  return {[=](caf::ok_atom) { held->pass(); }};
}

/// Sends itself the next message, without end.
caf::behavior self_feeding(caf::event_based_actor* self, std::shared_ptr<happenings> told) {
  self->send(self, caf::ok_atom::value);
  return {[=](caf::ok_atom) { self->send(self, caf::ok_atom::value); },
          [=](int number) { told->tell(std::to_string(number)); }};
}

class Scheduling : public testing::TestWithParam<std::size_t> {
protected:
  std::size_t workers() const { return GetParam(); }
  caf::actor_system& system() { return running.system(); }

  std::shared_ptr<happenings> told = std::make_shared<happenings>();
  running_system running{{runner::pump_is_scheduler, GetParam()}};
};

TEST_P(Scheduling, CarriesMessagesBetweenActors) {
  constexpr std::size_t pairs = 50;
  std::vector<caf::actor> actors;
  for (std::size_t each = 0; each != 2 * pairs; ++each) actors.push_back(system().spawn(counting_down, told));
  for (std::size_t each = 0; each != pairs; ++each)
    caf::anon_send(actors[2 * each], actors[2 * each + 1], 1'000 + static_cast<int>(each));
  EXPECT_TRUE(told->await(pairs));
  for (const auto& each : actors) end(each);
}

TEST_P(Scheduling, AnswersRequestsFromOutside) {
  const auto echo = system().spawn(echoing, 1);
  caf::scoped_actor self{system()};
  for (int number = 0; number != 1'000; ++number) {
    self->request(echo, patience, number)
        .receive([&](int answer) { ASSERT_EQ(answer, number + 1); },
                 [&](const caf::error& refused) { FAIL() << caf::to_string(refused); });
  }
  end(echo);
}

TEST_P(Scheduling, WakesFromIdleForAMessageFromOutside) {
  const auto actor = system().spawn(teller, told);
  for (std::size_t round = 0; round != 20; ++round) {
    ASSERT_TRUE(running.falls_asleep());
    caf::anon_send(actor, 1);
    ASSERT_TRUE(told->await(round + 1));
  }
  end(actor);
}

TEST_P(Scheduling, LosesNoMessageFromManyThreadsAtOnce) {
  constexpr int threads = 4;
  constexpr int messages = 2'000;
  const auto actor = system().spawn(teller, told);
  std::vector<std::thread> senders;
  for (int each = 0; each != threads; ++each) {
    senders.emplace_back([&] {
      for (int number = 0; number != messages; ++number) {
        caf::anon_send(actor, number);
        // Now and then a worker gets the time to look at the port again, and to be parked there.
        if (number % 100 != 0) continue;
        EXPECT_TRUE(eventually([&, before = running.seen().waits.load()] {
          return running.seen().waits != before || running.seen().parked == static_cast<int>(workers());
        }));
      }
    });
  }
  for (auto& each : senders) each.join();
  EXPECT_TRUE(told->await(threads * messages));
  end(actor);
}

TEST_P(Scheduling, SelfFeedingActorStarvesNoOtherActor) {
  std::vector<caf::actor> greedy;
  for (std::size_t each = 0; each != workers(); ++each) greedy.push_back(system().spawn(self_feeding, told));
  const auto other = system().spawn(counting_down, told);
  const auto partner = system().spawn(counting_down, told);
  caf::anon_send(other, partner, 100);
  EXPECT_TRUE(told->await("done"));
  caf::anon_send(greedy.front(), 7);
  EXPECT_TRUE(told->await("7"));
  for (const auto& each : greedy) end(each);
  end(other);
  end(partner);
}

TEST_P(Scheduling, SelfFeedingActorStarvesNoSocket) {
  std::vector<caf::actor> greedy;
  for (std::size_t each = 0; each != workers(); ++each) greedy.push_back(system().spawn(self_feeding, told));
  socket_pair pair;
  const auto owner = spawn_acting(system(), [=, told = told](caf::event_based_actor*) {
    return caf::behavior{[=](const socket_ready&) { told->tell("ready"); }};
  });
  ASSERT_TRUE(running.pump().open(pair.ours(), caf::actor_cast<caf::strong_actor_ptr>(owner), interest::in));
  for (const auto& each : greedy) caf::anon_send(each, 1);
  ASSERT_TRUE(told->await(greedy.size())) << "they do not run";
  pair.peer_sends("x");
  EXPECT_TRUE(told->await("ready"));
  for (const auto& each : greedy) end(each);
  end(owner);
}

TEST_P(Scheduling, SelfFeedingActorStarvesNoDeadline) {
  std::vector<caf::actor> greedy;
  for (std::size_t each = 0; each != workers(); ++each) greedy.push_back(system().spawn(self_feeding, told));
  const auto owner = spawn_acting(system(), [=, told = told](caf::event_based_actor*) {
    return caf::behavior{[=](const deadline_expired&) { told->tell("expired"); }};
  });
  running.pump().schedule(running.pump().now() + 10ms, caf::actor_cast<caf::strong_actor_ptr>(owner), 1);
  EXPECT_TRUE(told->await("expired"));
  for (const auto& each : greedy) end(each);
  end(owner);
}

/// How many of an actor's messages, which take `each_takes`, are handled before another actor's only one.
std::ptrdiff_t messages_ahead(std::chrono::nanoseconds each_takes) {
  constexpr std::size_t messages = 40;
  running_system running{{.run_by = runner::pump_is_scheduler, .workers = 1}};
  const auto told = std::make_shared<happenings>();
  // One worker alone writes it, before it notifies the test.
  const auto handled = std::make_shared<std::vector<char>>();
  const auto slow = spawn_acting(running.system(), [=](caf::event_based_actor*) {
    return caf::behavior{[=](caf::ok_atom) {
      for (const auto until = clock::now() + each_takes; clock::now() < until;) {
      }
      handled->push_back('s');
      if (handled->size() == messages + 1) told->tell("done");
    }};
  });
  const auto other = spawn_acting(running.system(), [=](caf::event_based_actor*) {
    return caf::behavior{[=](caf::ok_atom) {
      handled->push_back('o');
      if (handled->size() == messages + 1) told->tell("done");
    }};
  });
  const auto sender = spawn_acting(running.system(), [=](caf::event_based_actor* self) {
    for (std::size_t each = 0; each != messages; ++each) self->send(slow, caf::ok_atom::value);
    self->send(other, caf::ok_atom::value);
  });
  EXPECT_TRUE(told->await("done"));
  for (const auto& each : {slow, other, sender}) end(each);
  return std::find(handled->begin(), handled->end(), 'o') - handled->begin();
}

TEST(SchedulingOfOneWorker, LetsOthersRunBetweenMessagesThatTakeLong) {
  EXPECT_LE(messages_ahead(pump_worker::time_per_turn),
            static_cast<std::ptrdiff_t>(pump_worker::messages_between_looks));
}

// One such run may be interrupted for longer than an actor's time.
TEST(SchedulingOfOneWorker, RunsAnActorForManyShortMessagesInOneGo) {
  std::ptrdiff_t most = 0;
  for (const auto deadline = clock::now() + 10s; most != 40 && clock::now() < deadline;) most = messages_ahead(0ns);
  EXPECT_EQ(most, 40);
}

TEST_P(Scheduling, UsesNoProcessorTimeWhenIdle) {
  const auto actor = system().spawn(teller, told);
  socket_pair pair;
  ASSERT_TRUE(running.pump().open(pair.ours(), caf::actor_cast<caf::strong_actor_ptr>(actor), interest::in));
  running.pump().schedule(running.pump().now() + 1h, caf::actor_cast<caf::strong_actor_ptr>(actor), 1);
  caf::anon_send(actor, 1);
  ASSERT_TRUE(told->await(1));
  ASSERT_TRUE(running.falls_asleep());
  EXPECT_LT(cpu_used_within(300ms), 3ms);
  end(actor);
}

TEST_P(Scheduling, ServesDetachedActors) {
  const auto detached = system().spawn<caf::detached>(counting_down, told);
  const auto partner = system().spawn(counting_down, told);
  caf::anon_send(detached, partner, 1'000);
  EXPECT_TRUE(told->await("done"));
  end(detached);
  end(partner);
}

TEST_P(Scheduling, SpawnsActorsFromActors) {
  constexpr std::size_t actors = 1'000;
  spawn_acting(system(), [told = told](caf::event_based_actor* self) {
    for (std::size_t each = 0; each != actors; ++each)
      spawn_acting(*self, [told](caf::event_based_actor*) { told->tell("spawned"); });
  });
  EXPECT_TRUE(told->await(actors));
}

INSTANTIATE_TEST_SUITE_P(, Scheduling, testing::Values(1u, 2u, 4u), testing::PrintToStringParamName());

// ------------------------------------------------------------------------------------------- a handler that blocks

/// Attempts at a time that only a busy machine may exceed; what strands a message does so in each.
constexpr int attempts = 5;
constexpr auto soon = 10ms;

class BlockedHandler : public testing::Test {
protected:
  static constexpr std::size_t workers = 2;

  /// The longest of `rounds` times that `round` takes, in the best of the attempts; `held` stays closed all the while.
  static clock::duration longest(int rounds, const std::function<bool()>& round) {
    auto best = clock::duration::max();
    for (int attempt = 0; attempt != attempts && best > soon; ++attempt) {
      auto worst = clock::duration::zero();
      for (int each = 0; each != rounds; ++each) {
        const auto start = clock::now();
        EXPECT_TRUE(round());
        worst = std::max(worst, clock::now() - start);
      }
      best = std::min(best, worst);
    }
    return best;
  }

  caf::actor_system& system() { return running.system(); }
  void await_end_of(std::initializer_list<caf::actor> actors) {
    held->open();
    for (const auto& each : actors) end(each);
  }

  std::shared_ptr<happenings> told = std::make_shared<happenings>();
  std::shared_ptr<gate> held = std::make_shared<gate>();
  running_system running{{runner::pump_is_scheduler, workers}};
};

TEST_F(BlockedHandler, DelaysNoMessageFromOutside) {
  const auto blocked = system().spawn(blocking, held);
  const auto other = system().spawn(teller, told);
  caf::anon_send(blocked, caf::ok_atom::value);
  ASSERT_TRUE(held->await_arrival());
  std::size_t sent = 0;
  EXPECT_LE(longest(100,
                    [&] {
                      caf::anon_send(other, 1);
                      return told->await(++sent);
                    }),
            soon);
  await_end_of({blocked, other});
}

TEST_F(BlockedHandler, DelaysNoSocket) {
  const auto blocked = system().spawn(blocking, held);
  socket_pair pair;
  const auto owner = spawn_acting(
      system(), [told = told, pump = running.shared_pump(), socket = pair.ours()](caf::event_based_actor*) {
        return caf::behavior{[=](const socket_ready& ready) {
          const auto got = socket_pair::read(socket);
          EXPECT_FALSE(pump->arm(ready.registration, interest::in));
          told->tell(got);
        }};
      });
  ASSERT_TRUE(running.pump().open(pair.ours(), caf::actor_cast<caf::strong_actor_ptr>(owner), interest::in));
  caf::anon_send(blocked, caf::ok_atom::value);
  ASSERT_TRUE(held->await_arrival());
  std::size_t sent = 0;
  EXPECT_LE(longest(100,
                    [&] {
                      pair.peer_sends("x");
                      return told->await(++sent);
                    }),
            soon);
  await_end_of({blocked, owner});
}

TEST_F(BlockedHandler, DelaysNoDeadline) {
  const auto blocked = system().spawn(blocking, held);
  const auto owner = spawn_acting(system(), [told = told](caf::event_based_actor*) {
    return caf::behavior{[=](const deadline_expired&) { told->tell("expired"); }};
  });
  caf::anon_send(blocked, caf::ok_atom::value);
  ASSERT_TRUE(held->await_arrival());
  std::size_t scheduled = 0;
  EXPECT_LE(longest(20,
                    [&] {
                      running.pump().schedule(running.pump().now() + 3ms, caf::actor_cast<caf::strong_actor_ptr>(owner),
                                              1);
                      return told->await(++scheduled);
                    }) -
                3ms,
            soon);
  await_end_of({blocked, owner});
}

// The job waits in the queue of the worker that is stuck, and no worker was woken for it: the watch has to find it.
TEST_F(BlockedHandler, DelaysNotTheOneMessageThatItSentBefore) {
  auto best = clock::duration::max();
  for (int attempt = 0; attempt != attempts && best > soon; ++attempt) {
    const auto gate_of_attempt = std::make_shared<gate>();
    const auto other = system().spawn(teller, told);
    const auto blocked = spawn_acting(system(), [=](caf::event_based_actor* self) {
      return caf::behavior{[=](caf::ok_atom) {
        self->send(other, 1);
        gate_of_attempt->pass();
      }};
    });
    ASSERT_TRUE(running.falls_asleep());
    caf::anon_send(blocked, caf::ok_atom::value);
    EXPECT_TRUE(gate_of_attempt->await_arrival());
    const auto start = clock::now();
    EXPECT_TRUE(told->await(static_cast<std::size_t>(attempt) + 1, 5s)) << "stranded";
    best = std::min(best, clock::now() - start);
    gate_of_attempt->open();
    end(blocked);
    end(other);
  }
  EXPECT_LE(best, soon);
}

// The same, while the other worker never sleeps long enough to be the watch.
TEST_F(BlockedHandler, DelaysNotTheOneMessageWhileTheOtherWorkerIsBusy) {
  const auto greedy = system().spawn(self_feeding, told);
  const auto other = system().spawn(teller, told);
  const auto blocked = spawn_acting(system(), [=, held = held](caf::event_based_actor* self) {
    return caf::behavior{[=](caf::ok_atom) {
      self->send(other, 1);
      held->pass();
    }};
  });
  caf::anon_send(blocked, caf::ok_atom::value);
  ASSERT_TRUE(held->await_arrival());
  EXPECT_TRUE(told->await("1", 5s)) << "stranded";
  await_end_of({blocked, other, greedy});
}

TEST_F(BlockedHandler, DelaysNotTheManyMessagesThatItSentBefore) {
  constexpr std::size_t messages = 100;
  std::vector<caf::actor> others;
  for (std::size_t each = 0; each != messages; ++each) others.push_back(system().spawn(teller, told));
  const auto blocked = spawn_acting(system(), [=, held = held](caf::event_based_actor* self) {
    return caf::behavior{[=](caf::ok_atom) {
      for (const auto& each : others) self->send(each, 1);
      held->pass();
    }};
  });
  caf::anon_send(blocked, caf::ok_atom::value);
  ASSERT_TRUE(held->await_arrival());
  EXPECT_TRUE(told->await(messages, 5s)) << "stranded";
  await_end_of({blocked});
  for (const auto& each : others) end(each);
}

// ----------------------------------------------------------------------------------------------------- wake packets

TEST(WakePackets, AreFewForABurst) {
  for (const std::size_t workers : {1u, 2u, 4u}) {
    running_system running({runner::pump_is_scheduler, workers});
    auto& seen = running.seen();
    const auto told = std::make_shared<happenings>();
    const auto held = std::make_shared<gate>();
    // Workers that are busy need no wake-up: all are held while the burst arrives.
    std::vector<caf::actor> blocked;
    for (std::size_t each = 0; each != workers; ++each) {
      blocked.push_back(spawn_acting(running.system(), [=](caf::event_based_actor*) {
        return caf::behavior{[=](caf::ok_atom) {
          told->tell("blocked");
          held->pass();
        }};
      }));
    }
    for (const auto& each : blocked) caf::anon_send(each, caf::ok_atom::value);
    ASSERT_TRUE(told->await(workers));
    constexpr std::size_t messages = 1'000;
    std::vector<caf::actor> actors;
    const auto before = seen.posts.load();
    for (std::size_t each = 0; each != messages; ++each) {
      actors.push_back(running.system().spawn(teller, told));
      caf::anon_send(actors.back(), 1);
    }
    EXPECT_EQ(seen.posts, before) << workers << " workers";
    held->open();
    EXPECT_TRUE(told->await(workers + messages));
    for (const auto& each : blocked) end(each);
    for (const auto& each : actors) end(each);
  }
}

TEST(WakePackets, AreNotPostedWhileOneIsUnderWay) {
  running_system running({runner::pump_is_scheduler, 1});
  auto& seen = running.seen();
  const auto told = std::make_shared<happenings>();
  std::vector<caf::actor> actors;
  constexpr std::size_t messages = 1'000;
  for (std::size_t each = 0; each != messages; ++each) actors.push_back(running.system().spawn(teller, told));
  ASSERT_TRUE(running.falls_asleep());
  const auto before = seen.posts.load();
  const auto waits_before = seen.waits.load();
  for (const auto& each : actors) caf::anon_send(each, 1);
  ASSERT_TRUE(told->await(messages));
  // One post for each time that the worker had fallen asleep, never one for each message to it.
  EXPECT_LE(seen.posts - before, seen.waits - waits_before + 1);
  for (const auto& each : actors) end(each);
}

/// Two actors that send one another a number, less one each time: one job a message.
caf::behavior reading_the_clock(caf::event_based_actor* self, std::shared_ptr<happenings> told,
                                std::shared_ptr<notification_pump> pump) {
  const auto look = [=] { told->tell(std::to_string(pump->recent().time_since_epoch().count())); };
  return {[=](int number) {
            look();
            if (number > 0) self->send(caf::actor_cast<caf::actor>(self->current_sender()), number - 1);
          },
          [=](const caf::actor& partner, int number) { self->send(partner, number); }};
}

TEST(RecentTime, IsReadAnewEveryFewJobsOfAWorker) {
  constexpr int jobs = 60;
  running_system running{{runner::pump_is_scheduler, 1}};
  const auto told = std::make_shared<happenings>();
  const auto one = running.system().spawn(reading_the_clock, told, running.shared_pump());
  const auto other = running.system().spawn(reading_the_clock, told, running.shared_pump());
  caf::anon_send(one, other, jobs - 1);
  ASSERT_TRUE(told->await(jobs));
  auto times = told->all();
  const auto readings = std::distance(times.begin(), std::unique(times.begin(), times.end()));
  EXPECT_GE(readings, jobs / pump_worker::jobs_per_clock_reading - 1);
  EXPECT_LE(readings, jobs / 2) << "or it costs what now() does";
  for (const auto& each : {one, other}) end(each);
}

TEST(RecentTime, IsNowOnOtherThreads) {
  running_system running{{runner::pump_is_scheduler, 1}};
  const auto before = running.pump().now();
  const auto recent = running.pump().recent();
  EXPECT_LE(before, recent);
  EXPECT_LE(recent, running.pump().now());
}

}  // namespace
}  // namespace switchboard
