// The life of a registration, served by the pump's scheduler and by threads of the pump's own.

#include "running_system.hpp"

#include <caf/actor_cast.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>
#include <gtest/gtest.h>

namespace switchboard {
namespace {

using namespace pump_test;
using notify::event;
using notify::interest;

std::string to_string(event events) {
  std::string all;
  if (has(events, event::in)) all += " in";
  if (has(events, event::out)) all += " out";
  if (has(events, event::hangup)) all += " hangup";
  if (has(events, event::err)) all += " err";
  return all;
}

/// Reports what the pump sends, and does nothing else.
caf::behavior listener(caf::event_based_actor*, std::shared_ptr<happenings> told) {
  return {[=](const socket_ready& ready) { told->tell("ready" + to_string(ready.events)); },
          [=](const registration_closed&) { told->tell("closed"); }};
}

class Registration : public testing::TestWithParam<setup> {
protected:
  caf::actor listen() { return running.system().spawn(listener, told); }
  error_or<registration_id> open(const socket_pair& sockets, const caf::actor& owner, interest first = interest::in) {
    return running.pump().open(sockets.ours(), caf::actor_cast<caf::strong_actor_ptr>(owner), first);
  }
  void end(caf::actor& owner) {
    caf::anon_send_exit(owner, caf::exit_reason::user_shutdown);
    owner = nullptr;
  }

  std::shared_ptr<happenings> told = std::make_shared<happenings>();
  socket_pair pair;
  running_system running{GetParam()};
};

using all = std::vector<std::string>;

TEST_P(Registration, TellsItsOwnerWhenTheSocketIsReady) {
  auto owner = listen();
  ASSERT_TRUE(open(pair, owner));
  pair.peer_sends("x");
  EXPECT_TRUE(told->await(1));
  EXPECT_EQ(told->all(), all{"ready in"});
  end(owner);
}

TEST_P(Registration, TellsOncePerArm) {
  auto owner = listen();
  const auto id = open(pair, owner).value();
  pair.peer_sends("x");
  ASSERT_TRUE(told->await(1));
  pair.peer_sends("y");
  EXPECT_FALSE(told->await(2, short_while));
  EXPECT_FALSE(running.pump().arm(id, interest::in));
  EXPECT_TRUE(told->await(2));
  end(owner);
}

TEST_P(Registration, ArmsForTheWholeFilter) {
  auto owner = listen();
  const auto id = open(pair, owner).value();
  EXPECT_FALSE(running.pump().arm(id, interest::in | interest::out));
  EXPECT_TRUE(told->await("ready out"));
  EXPECT_FALSE(running.pump().arm(id, interest::hangup));
  pair.close_peer();
  EXPECT_TRUE(told->await("ready hangup"));
  end(owner);
}

TEST_P(Registration, EndsWithItsClosing) {
  auto owner = listen();
  const auto id = open(pair, owner).value();
  EXPECT_EQ(running.pump().registrations(), 1u);
  EXPECT_FALSE(running.pump().remove(id));
  EXPECT_TRUE(told->await("closed"));
  EXPECT_EQ(running.pump().registrations(), 0u);
  end(owner);
}

TEST_P(Registration, SaysNothingAfterItsClosing) {
  auto owner = listen();
  const auto id = open(pair, owner).value();
  EXPECT_FALSE(running.pump().remove(id));
  pair.peer_sends("x");
  EXPECT_TRUE(told->await("closed"));
  EXPECT_FALSE(told->await(2, short_while));
  EXPECT_EQ(told->all(), all{"closed"});
  end(owner);
}

TEST_P(Registration, CanBeRemovedAgainWithoutEffect) {
  auto owner = listen();
  const auto id = open(pair, owner).value();
  EXPECT_FALSE(running.pump().remove(id));
  const auto again = running.pump().remove(id);
  EXPECT_TRUE(!again || again == errc::not_registered) << again.message();
  EXPECT_TRUE(told->await("closed"));
  EXPECT_EQ(running.pump().remove(id), errc::not_registered);
  EXPECT_FALSE(told->await(2, short_while));
  end(owner);
}

TEST_P(Registration, RefusesArmsAfterRemove) {
  auto owner = listen();
  const auto id = open(pair, owner).value();
  EXPECT_FALSE(running.pump().remove(id));
  const auto at_once = running.pump().arm(id, interest::in);
  EXPECT_TRUE(at_once == errc::removing || at_once == errc::not_registered) << at_once.message();
  EXPECT_TRUE(told->await("closed"));
  EXPECT_EQ(running.pump().arm(id, interest::in), errc::not_registered);
  end(owner);
}

TEST_P(Registration, IsNotTheNextOneOfItsSlot) {
  auto owner = listen();
  const auto old = open(pair, owner).value();
  EXPECT_FALSE(running.pump().remove(old));
  ASSERT_TRUE(told->await("closed"));
  const auto fresh = open(pair, owner).value();
  EXPECT_NE(fresh, old);
  EXPECT_EQ(static_cast<std::uint32_t>(static_cast<std::uint64_t>(fresh)),
            static_cast<std::uint32_t>(static_cast<std::uint64_t>(old)))
      << "the slot was not used again, so this test shows nothing";
  EXPECT_EQ(running.pump().arm(old, interest::out), errc::not_registered);
  EXPECT_EQ(running.pump().remove(old), errc::not_registered);
  EXPECT_FALSE(told->await(2, short_while));
  pair.peer_sends("x");
  EXPECT_TRUE(told->await("ready in"));
  end(owner);
}

TEST_P(Registration, IsNotFoundByANameOfNothing) {
  auto owner = listen();
  ASSERT_TRUE(open(pair, owner));
  for (const auto name : {registration_id::none, registration_id{7'000'000}, registration_id{std::uint64_t{5} << 32}}) {
    EXPECT_EQ(running.pump().arm(name, interest::in), errc::not_registered);
    EXPECT_EQ(running.pump().remove(name), errc::not_registered);
  }
  pair.peer_sends("x");
  EXPECT_TRUE(told->await("ready in"));
  end(owner);
}

TEST_P(Registration, EndsOnceHoweverManyThreadsRemoveIt) {
  constexpr int rounds = 50;
  auto owner = listen();
  for (std::size_t round = 1; round <= rounds; ++round) {
    const auto id = open(pair, owner).value();
    std::vector<std::thread> removers;
    for (int each = 0; each != 3; ++each)
      removers.emplace_back([&] {
        for (std::error_code failed; !failed;) failed = running.pump().remove(id);
      });
    for (auto& each : removers) each.join();
    ASSERT_TRUE(told->await(round));
    ASSERT_EQ(running.pump().registrations(), 0u);
  }
  EXPECT_FALSE(told->await(rounds + 1, short_while));
  end(owner);
}

TEST_P(Registration, WhoseSocketWasClosedTooSoonIsNotTheNextOneOfItsNumber) {
  const auto told_next = std::make_shared<happenings>();
  auto owner = listen();
  auto next_owner = running.system().spawn(listener, told_next);
  const auto id = open(pair, owner).value();
  socket_pair next;
  next.take_number_of(pair);
  const auto next_id = open(next, next_owner).value();
  EXPECT_EQ(notify::slot_of(next_id), notify::slot_of(id)) << "another number, so this test shows nothing";
  EXPECT_EQ(running.pump().arm(id, interest::out), errc::not_registered);
  EXPECT_FALSE(running.pump().remove(id));
  EXPECT_TRUE(told->await("closed"));
  EXPECT_EQ(running.pump().registrations(), 1u);
  next.peer_sends("x");
  EXPECT_TRUE(told_next->await("ready in"));
  EXPECT_EQ(told->count(), 1u);
  end(owner);
  end(next_owner);
}

TEST_P(Registration, StaysWhatItIsWhereThePortRefusesToRemoveIt) {
  auto owner = listen();
  const auto id = open(pair, owner).value();
  running.seen().removals_to_fail = 100;
  EXPECT_EQ(running.pump().remove(id), std::errc::not_enough_memory);
  running.seen().removals_to_fail = 0;
  pair.peer_sends("x");
  EXPECT_TRUE(told->await("ready in"));
  EXPECT_FALSE(running.pump().remove(id));
  EXPECT_TRUE(told->await("closed"));
  end(owner);
}

TEST_P(Registration, EndsEvenIfTheSocketWasClosedTooSoon) {
  auto owner = listen();
  const auto id = open(pair, owner).value();
  pair.close_ours();
  EXPECT_FALSE(running.pump().remove(id));
  EXPECT_TRUE(told->await("closed"));
  EXPECT_EQ(running.pump().registrations(), 0u);
  end(owner);
}

TEST_P(Registration, IsNotMadeForWhatIsNoSocket) {
  auto owner = listen();
  const auto opened =
      running.pump().open(net::socket_handle::invalid, caf::actor_cast<caf::strong_actor_ptr>(owner), interest::in);
  EXPECT_EQ(opened.error(), errc::not_a_socket);
  EXPECT_EQ(running.pump().registrations(), 0u);
  end(owner);
}

TEST_P(Registration, HoldsItsOwnerUntilItsClosing) {
  auto owner = listen();
  const auto watched = caf::actor_cast<caf::weak_actor_ptr>(owner);
  const auto id = open(pair, owner).value();
  end(owner);
  running.system().await_all_actors_done();
  EXPECT_TRUE(watched.lock()) << "let go of too early";
  EXPECT_FALSE(running.pump().remove(id));
  EXPECT_TRUE(eventually([&] { return !watched.lock(); })) << "held after the end";
}

TEST_P(Registration, AnswersClosedAfterTheEnd) {
  auto owner = listen();
  const auto id = open(pair, owner).value();
  running.pump().stop();
  EXPECT_EQ(running.pump().registrations(), 0u);
  EXPECT_EQ(running.pump().arm(id, interest::in), errc::closed);
  EXPECT_EQ(running.pump().remove(id), errc::closed);
  EXPECT_EQ(open(pair, owner).error(), errc::closed);
  pair.peer_sends("x");
  EXPECT_FALSE(told->await(1, short_while));
  end(owner);
}

TEST_P(Registration, WhoseRemovalIsUnderWayIsToldAtTheEnd) {
  auto owner = listen();
  const auto id = open(pair, owner).value();
  EXPECT_FALSE(running.pump().remove(id));
  running.pump().stop();
  EXPECT_TRUE(told->await("closed"));
  EXPECT_FALSE(told->await(2, short_while));
  end(owner);
}

// The conversation that connections have: read one chunk, arm again, until the peer leaves; then remove, await, close.
TEST_P(Registration, ServesManySocketsThroughTheirWholeLife) {
  constexpr int sockets = 200;
  constexpr int chunks = 50;
  auto& system = running.system();
  std::vector<socket_pair> pairs(sockets);
  for (auto& each : pairs) {
    spawn_acting(system, [told = told, pump = running.shared_pump(), socket = each.ours(),
                          id = std::make_shared<registration_id>(registration_id::none)](caf::event_based_actor* self) {
      *id = pump->open(socket, caf::actor_cast<caf::strong_actor_ptr>(self), interest::in | interest::hangup).value();
      return caf::behavior{[=](const socket_ready& ready) {
                             EXPECT_EQ(ready.registration, *id);
                             const auto got = socket_pair::read(socket);
                             for (const auto byte : got) told->tell(std::string(1, byte));
                             if (got.empty() && has(ready.events, event::hangup)) {
                               EXPECT_FALSE(pump->remove(*id));
                             } else {
                               EXPECT_FALSE(pump->arm(*id, interest::in | interest::hangup));
                             }
                           },
                           [=](const registration_closed& closed) {
                             EXPECT_EQ(closed.registration, *id);
                             told->tell("closed");
                             self->quit();
                           }};
    });
  }
  for (int chunk = 0; chunk != chunks; ++chunk) {
    for (const auto& each : pairs) each.peer_sends("x");
  }
  for (auto& each : pairs) each.close_peer();
  ASSERT_TRUE(told->await(sockets * chunks + sockets));
  const auto everything = told->all();
  EXPECT_EQ(std::count(everything.begin(), everything.end(), "closed"), sockets);
  EXPECT_EQ(running.pump().registrations(), 0u);
}

TEST_P(Registration, BelongsToADetachedActorAsWell) {
  spawn_acting<caf::detached>(running.system(), [told = told, pump = running.shared_pump(),
                                                 socket = pair.ours()](caf::event_based_actor* self) {
    EXPECT_TRUE(pump->open(socket, caf::actor_cast<caf::strong_actor_ptr>(self), interest::in));
    return caf::behavior{[=](const socket_ready& ready) {
                           if (socket_pair::read(socket) == "end") {
                             EXPECT_FALSE(pump->remove(ready.registration));
                           } else {
                             EXPECT_FALSE(pump->arm(ready.registration, interest::in));
                           }
                           told->tell("ready");
                         },
                         [=](const registration_closed&) {
                           told->tell("closed");
                           self->quit();
                         }};
  });
  pair.peer_sends("x");
  EXPECT_TRUE(told->await(1));
  pair.peer_sends("end");
  EXPECT_TRUE(told->await("closed"));
}

INSTANTIATE_TEST_SUITE_P(, Registration,
                         testing::Values(setup{runner::pump_is_scheduler, 1}, setup{runner::pump_is_scheduler, 2},
                                         setup{runner::pump_is_scheduler, 4}, setup{runner::pump_has_threads, 1},
                                         setup{runner::pump_has_threads, 2},
                                         setup{runner::pump_is_scheduler, 2, "io_uring"}),
                         [](const auto& each) { return name_of(each.param); });

// ------------------------------------------------------------------------------------------------------ re-arms

class ReArm : public testing::TestWithParam<std::string_view> {
protected:
  std::unique_ptr<running_system> run(std::size_t workers) const {
    return std::make_unique<running_system>(setup{runner::pump_is_scheduler, workers, GetParam()});
  }

  /// Reads what is there, arms again, and reports it; at "end" removes.
  static caf::behavior reader(caf::event_based_actor* self, std::shared_ptr<notification_pump> pump,
                              net::socket_handle socket, std::shared_ptr<happenings> told) {
    EXPECT_TRUE(pump->open(socket, caf::actor_cast<caf::strong_actor_ptr>(self), interest::in));
    told->tell("open");
    return {[=](const socket_ready& ready) {
              const auto got = socket_pair::read(socket);
              const auto failed = pump->arm(ready.registration, interest::in);
              told->tell(failed ? "refused" : got);
              if (failed || got == "end") {
                EXPECT_FALSE(pump->remove(ready.registration));
              }
            },
            [=](const registration_closed&) {
              told->tell("closed");
              self->quit();
            }};
  }

  std::shared_ptr<happenings> told = std::make_shared<happenings>();
};

TEST_P(ReArm, OfAHandlerMayGoOutWithTheWorkersNextWait) {
  const auto running = run(1);
  socket_pair pair;
  running->system().spawn(reader, running->shared_pump(), pair.ours(), told);
  ASSERT_TRUE(told->await("open"));
  pair.peer_sends("x");
  ASSERT_TRUE(told->await("x"));
  EXPECT_EQ(running->seen().rearms_before_a_wait, 1);
  EXPECT_EQ(running->seen().rearms_at_once, 0);
  pair.peer_sends("end");
  EXPECT_TRUE(told->await("closed"));
}

TEST_P(ReArm, OfAnotherThreadGoesOutAtOnce) {
  const auto running = run(1);
  socket_pair pair;
  const auto owner = running->system().spawn(listener, told);
  const auto id =
      running->pump().open(pair.ours(), caf::actor_cast<caf::strong_actor_ptr>(owner), interest::in).value();
  ASSERT_TRUE(running->falls_asleep());
  EXPECT_FALSE(running->pump().arm(id, interest::out));
  EXPECT_TRUE(told->await("ready out"));
  EXPECT_EQ(running->seen().rearms_before_a_wait, 0);
  EXPECT_EQ(running->seen().rearms_at_once, 1);
  caf::anon_send_exit(owner, caf::exit_reason::user_shutdown);
}

TEST_P(ReArm, PassesOnThatTheSocketIsDrained) {
  const auto running = run(1);
  socket_pair pair;
  const auto owner = running->system().spawn(listener, told);
  const auto id =
      running->pump().open(pair.ours(), caf::actor_cast<caf::strong_actor_ptr>(owner), interest::in).value();
  for (std::size_t message = 1; message <= 3; ++message) {
    pair.peer_sends("x");
    ASSERT_TRUE(told->await(message));
    EXPECT_EQ(socket_pair::read(pair.ours()), "x");
    EXPECT_FALSE(running->pump().arm(id, interest::in, notify::hint::drained));
  }
  EXPECT_EQ(running->seen().rearms_of_drained, 3);
  caf::anon_send_exit(owner, caf::exit_reason::user_shutdown);
}

TEST_P(ReArm, TellsItsCallerThatItFailed) {
  const auto running = run(1);
  socket_pair pair;
  running->system().spawn(reader, running->shared_pump(), pair.ours(), told);
  ASSERT_TRUE(told->await("open"));
  running->seen().rearms_to_fail = 1;
  pair.peer_sends("x");
  EXPECT_TRUE(told->await("refused"));
  EXPECT_TRUE(told->await("closed"));
}

TEST_P(ReArm, GoesOutAlsoWhereWaitsFail) {
  const auto running = run(1);
  socket_pair pair;
  running->system().spawn(reader, running->shared_pump(), pair.ours(), told);
  ASSERT_TRUE(told->await("open"));
  running->seen().waits_to_fail = 3;
  pair.peer_sends("x");
  ASSERT_TRUE(told->await("x"));
  running->seen().waits_to_fail = 3;
  pair.peer_sends("end");
  EXPECT_TRUE(told->await("closed"));
}

TEST_P(ReArm, EndsWithARemovalThatComesRightBehind) {
  const auto running = run(1);
  socket_pair pair;
  running->system().spawn(reader, running->shared_pump(), pair.ours(), told);
  ASSERT_TRUE(told->await("open"));
  pair.peer_sends("end");  // the reader arms, then removes
  EXPECT_TRUE(told->await("closed"));
  EXPECT_EQ(running->pump().registrations(), 0u);
}

TEST_P(ReArm, GivesWayToALaterOneOfAnotherThread) {
  const auto running = run(1);
  socket_pair pair;
  spawn_acting(
      running->system(), [=, this, socket = pair.ours(), pump = running->shared_pump()](caf::event_based_actor* self) {
        EXPECT_TRUE(pump->open(socket, caf::actor_cast<caf::strong_actor_ptr>(self), interest::in));
        told->tell("open");
        return caf::behavior{
            [=, this](const socket_ready& ready) {
              if (has(ready.events, event::out)) {
                told->tell("out");
                EXPECT_FALSE(pump->remove(ready.registration));
                return;
              }
              (void)socket_pair::read(socket);
              EXPECT_FALSE(pump->arm(ready.registration, interest::in));
              // Where the owner's next handler would run, if this worker were busy.
              std::thread{[&] { EXPECT_FALSE(pump->arm(ready.registration, interest::in | interest::out)); }}.join();
            },
            [=, this](const registration_closed&) {
              told->tell("closed");
              self->quit();
            }};
      });
  ASSERT_TRUE(told->await("open"));
  pair.peer_sends("x");
  EXPECT_TRUE(told->await("closed")) << "armed for OUT and writable, and never told";
}

TEST_P(ReArm, IsNotStrandedByAHandlerThatBlocks) {
  const auto running = run(2);
  const auto held = std::make_shared<gate>();
  socket_pair pair;
  auto blocker = spawn_acting(running->system(), [held](caf::event_based_actor*) {
    return caf::behavior{[held](caf::ok_atom) { held->pass(); }};
  });
  spawn_acting(running->system(),
               [=, this, socket = pair.ours(), pump = running->shared_pump()](caf::event_based_actor* self) {
                 EXPECT_TRUE(pump->open(socket, caf::actor_cast<caf::strong_actor_ptr>(self), interest::in));
                 told->tell("open");
                 return caf::behavior{[=, this](const socket_ready& ready) {
                                        const auto got = socket_pair::read(socket);
                                        if (got == "end") {
                                          EXPECT_FALSE(pump->remove(ready.registration));
                                          return;
                                        }
                                        EXPECT_FALSE(pump->arm(ready.registration, interest::in));
                                        // On this worker, before the re-arm is submitted.
                                        if (got == "x") self->send(blocker, caf::ok_atom::value);
                                        told->tell(got);
                                      },
                                      [=, this](const registration_closed&) {
                                        told->tell("closed");
                                        self->quit();
                                      }};
               });
  ASSERT_TRUE(told->await("open"));
  pair.peer_sends("x");
  ASSERT_TRUE(held->await_arrival());
  pair.peer_sends("y");
  EXPECT_TRUE(told->await("y")) << "the re-arm waits for the blocked handler";
  held->open();
  pair.peer_sends("end");
  EXPECT_TRUE(told->await("closed"));
  caf::anon_send_exit(blocker, caf::exit_reason::user_shutdown);
}

INSTANTIATE_TEST_SUITE_P(, ReArm, testing::Values("epoll", "io_uring"),
                         [](const auto& each) { return each.param == "epoll" ? "Epoll" : "IoUring"; });

}  // namespace
}  // namespace switchboard
