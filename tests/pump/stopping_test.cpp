// Every order in which an application may release actors, system and pump, with a thousand open registrations.

#include "running_system.hpp"

#include <caf/actor_cast.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>

#include <switchboard/pump/scheduler.hpp>

namespace switchboard {
namespace {

using namespace pump_test;
using notify::interest;

constexpr std::size_t sockets = 1'000;

/// A connection that never ends by itself; it shares the pump, as connections do.
caf::behavior connection(caf::event_based_actor*, std::shared_ptr<notification_pump> pump,
                         std::shared_ptr<happenings> told) {
  return {[=](const socket_ready& ready) {
            (void)pump->arm(ready.registration, interest::in);
            told->tell("ready");
          },
          [=](const registration_closed&) { told->tell("closed"); }, [=](const deadline_expired&) {}};
}

class Stopping : public testing::TestWithParam<setup> {
protected:
  static void SetUpTestSuite() {
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 4 * sockets);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  }

  void SetUp() override {
    for (std::size_t each = 0; each != sockets; ++each) {
      auto& pair = pairs.emplace_back();
      auto owner = running->system().spawn(connection, running->shared_pump(), told);
      const auto handle = caf::actor_cast<caf::strong_actor_ptr>(owner);
      watched.push_back(caf::actor_cast<caf::weak_actor_ptr>(handle));
      registrations.push_back(running->pump().open(pair.ours(), handle, interest::in).value());
      running->pump().schedule(running->pump().now() + 1h, handle, 1);
      owners.push_back(std::move(owner));
    }
    // So that stopping meets sockets that are armed, that are ready, and whose packets are in flight.
    for (std::size_t each = 0; each < sockets; each += 2) pairs[each].peer_sends("x");
  }

  void end_actors() {
    for (auto& each : owners) caf::anon_send_exit(each, caf::exit_reason::user_shutdown);
    owners.clear();
  }
  bool handles_are_gone() const {
    return std::none_of(watched.begin(), watched.end(), [](const auto& each) { return each.lock() != nullptr; });
  }

  std::shared_ptr<happenings> told = std::make_shared<happenings>();
  std::vector<socket_pair> pairs;
  std::vector<registration_id> registrations;
  std::vector<caf::weak_actor_ptr> watched;
  std::unique_ptr<running_system> running = std::make_unique<running_system>(GetParam());
  std::vector<caf::actor> owners;
};

TEST_P(Stopping, PumpFirst) {
  running->pump().stop();
  EXPECT_EQ(running->pump().registrations(), 0u);
  EXPECT_EQ(running->pump().deadlines(), 0u);
  end_actors();
  EXPECT_TRUE(eventually([this] { return handles_are_gone(); }));
  watched.clear();
  running->end_system();
}

TEST_P(Stopping, ActorsThenPumpThenSystem) {
  end_actors();
  running->system().await_all_actors_done();
  running->pump().stop();
  EXPECT_TRUE(eventually([this] { return handles_are_gone(); }));
  watched.clear();
  running->end_system();
}

TEST_P(Stopping, RegistrationsRemovedFirst) {
  for (const auto each : registrations) EXPECT_FALSE(running->pump().remove(each));
  EXPECT_TRUE(eventually([this] { return running->pump().registrations() == 0; }));
  end_actors();
  watched.clear();
  running->pump().stop();
  running->end_system();
}

TEST_P(Stopping, PumpWhileEverythingIsUnderWay) {
  std::thread remover([this] {
    for (const auto each : registrations) (void)running->pump().remove(each);
  });
  std::thread sender([this] {
    for (const auto& each : pairs) each.peer_sends("y");
  });
  running->pump().stop();
  remover.join();
  sender.join();
  EXPECT_EQ(running->pump().registrations(), 0u);
  end_actors();
  watched.clear();
  running->end_system();
}

TEST_P(Stopping, Twice) {
  running->pump().stop();
  running->pump().stop();
  end_actors();
  watched.clear();
}

TEST_P(Stopping, PeersFirst) {
  for (auto& each : pairs) each.close_peer();
  end_actors();
  running->pump().stop();
  watched.clear();
  running->end_system();
}

TEST_P(Stopping, SocketsClosedTooSoon) {
  // Those that are not ready: others are handed to the kernel again and again, and their closing meanwhile would be a race.
  for (std::size_t each = 1; each < sockets; each += 2) pairs[each].close_ours();
  for (std::size_t each = 0; each < sockets; each += 3) EXPECT_FALSE(running->pump().remove(registrations[each]));
  running->pump().stop();
  EXPECT_EQ(running->pump().registrations(), 0u);
  end_actors();
  EXPECT_TRUE(eventually([this] { return handles_are_gone(); }));
  watched.clear();
  running->end_system();
}

INSTANTIATE_TEST_SUITE_P(, Stopping,
                         testing::Values(setup{runner::pump_is_scheduler, 1}, setup{runner::pump_is_scheduler, 2},
                                         setup{runner::pump_is_scheduler, 2, "io_uring"},
                                         setup{runner::pump_has_threads, 1}, setup{runner::pump_has_threads, 2},
                                         setup{runner::pump_has_threads, 2, "io_uring"}),
                         [](const auto& each) { return name_of(each.param); });

// The pump's scheduler sees to it by itself: the system simply ends.
class StoppingScheduler : public Stopping {};

TEST_P(StoppingScheduler, SystemFirstWhileThePumpOutlivesIt) {
  end_actors();
  watched.clear();
  running->end_system();
  EXPECT_EQ(running->pump().registrations(), 0u);
  EXPECT_EQ(running->pump().deadlines(), 0u);
  EXPECT_EQ(running->pump().arm(registrations.front(), interest::in), errc::closed);
  EXPECT_EQ(running->pump().remove(registrations.front()), errc::closed);
}

TEST_P(StoppingScheduler, SystemHoldsThePumpLongerThanTheApplication) {
  running->release_pump();
  end_actors();
  watched.clear();
  running->end_system();
}

INSTANTIATE_TEST_SUITE_P(, StoppingScheduler,
                         testing::Values(setup{runner::pump_is_scheduler, 1}, setup{runner::pump_is_scheduler, 2},
                                         setup{runner::pump_is_scheduler, 2, "io_uring"},
                                         setup{runner::pump_is_scheduler, 4}),
                         [](const auto& each) { return name_of(each.param); });

TEST(PumpLife, EndsUnused) {
  EXPECT_NE(notification_pump::create(system_port()), nullptr);
}

TEST(PumpLife, EndsWhenItsThreadsHaveNothingToDo) {
  const auto pump = notification_pump::create(system_port());
  EXPECT_FALSE(pump->start(3));
}

TEST(PumpLife, DoesNotStartAfterItsEnd) {
  const auto pump = notification_pump::create(system_port());
  pump->stop();
  EXPECT_EQ(pump->start(1), errc::closed);
}

TEST(PumpLife, EndsWithASystemThatNeverRanAnActor) {
  running_system running({runner::pump_is_scheduler, 2});
  running.end_system();
}

TEST(PumpLife, ConfigurationMayOutliveTheSystem) {
  const auto pump = notification_pump::create(system_port());
  caf::actor_system_config config;
  use_pump_scheduler(config, pump);
  {
    caf::actor_system system(config);
    spawn_acting(system, [](caf::event_based_actor*) {});
  }
  EXPECT_EQ(pump->start(1), errc::closed);
}

// Stepped by the test: no other thread serves the port.
TEST(PumpLife, IsServedStepByStep) {
  caf::actor_system_config config;
  caf::actor_system system(config);
  const auto told = std::make_shared<happenings>();
  const auto pump = notification_pump::create(system_port());
  socket_pair pair;
  const auto owner = system.spawn(connection, pump, told);
  ASSERT_TRUE(pump->open(pair.ours(), caf::actor_cast<caf::strong_actor_ptr>(owner), interest::in));
  EXPECT_EQ(pump->serve(0ms), 0u);
  pair.peer_sends("x");
  EXPECT_EQ(pump->serve(patience), 1u);
  EXPECT_TRUE(told->await("ready"));
  pump->schedule(pump->now(), caf::actor_cast<caf::strong_actor_ptr>(owner), 1);
  EXPECT_GE(pump->serve(patience), 1u);
  caf::anon_send_exit(owner, caf::exit_reason::user_shutdown);
  pump->stop();
}

/// Stops the pump when its last handle is released, and reports on which thread that was.
class stopper final : public caf::event_based_actor {
public:
  stopper(caf::actor_config& config, std::shared_ptr<notification_pump> pump, std::shared_ptr<happenings> told)
      : caf::event_based_actor(config), pump_(std::move(pump)), told_(std::move(told)) {}
  ~stopper() override {
    char name[16] = "";
    ::pthread_getname_np(::pthread_self(), name, sizeof name);
    pump_->stop();
    told_->tell(name);
  }

  caf::behavior make_behavior() override {
    return {[](const registration_closed&) {}};
  }

private:
  const std::shared_ptr<notification_pump> pump_;
  const std::shared_ptr<happenings> told_;
};

// In the middle of a turn at the port, with packets of other registrations after the one that causes it.
TEST(PumpLife, MayBeStoppedByTheEndOfAnOwner) {
  constexpr std::size_t others = 100;
  const auto told = std::make_shared<happenings>();
  const auto told_others = std::make_shared<happenings>();
  running_system running({runner::pump_has_threads, 1});
  auto& pump = running.pump();
  std::vector<socket_pair> pairs(others + 1);
  const auto other = running.system().spawn(connection, running.shared_pump(), told_others);
  for (std::size_t each = 0; each != others; ++each)
    ASSERT_TRUE(pump.open(pairs[each].ours(), caf::actor_cast<caf::strong_actor_ptr>(other), interest::in));
  auto last = running.system().spawn<stopper>(running.shared_pump(), told);
  const auto id = pump.open(pairs.back().ours(), caf::actor_cast<caf::strong_actor_ptr>(last), interest::in).value();
  const auto watched = caf::actor_cast<caf::weak_actor_ptr>(last);
  caf::anon_send_exit(last, caf::exit_reason::user_shutdown);
  last = nullptr;
  // Until the registration alone holds it.
  ASSERT_TRUE(eventually([&] { return watched->strong_refs == 1; }));
  for (const auto& each : pairs) each.peer_sends("x");
  EXPECT_FALSE(pump.remove(id));
  EXPECT_TRUE(told->await("pump.port")) << told->count() << " were told";
  EXPECT_EQ(pump.registrations(), 0u);
  EXPECT_EQ(pump.open(pairs[0].ours(), caf::actor_cast<caf::strong_actor_ptr>(other), interest::in).error(),
            errc::closed);
  caf::anon_send_exit(other, caf::exit_reason::user_shutdown);
}

// The last handle to the last owner of the pump is released by a thread of the pump's own, which cannot join itself.
TEST(PumpLife, MayEndOnAThreadOfItsOwn) {
  const auto told = std::make_shared<happenings>();
  caf::actor_system_config config;
  config.set("scheduler.max-threads", std::size_t{1});
  caf::actor_system system(config);
  socket_pair pair;
  auto pump = notification_pump::create(system_port());
  EXPECT_FALSE(pump->start(2));
  const std::weak_ptr<notification_pump> watched = pump;
  auto owner = spawn_acting(system, [told, pump](caf::event_based_actor* self) {
    self->attach_functor([told] { told->tell("ended"); });
    return caf::behavior{[=](const registration_closed&) {}};
  });
  const auto handle = caf::actor_cast<caf::strong_actor_ptr>(owner);
  const auto id = pump->open(pair.ours(), handle, interest::in).value();
  caf::anon_send_exit(owner, caf::exit_reason::user_shutdown);
  owner = nullptr;
  ASSERT_TRUE(told->await("ended"));
  EXPECT_FALSE(pump->remove(id));
  EXPECT_TRUE(eventually([&] { return pump->registrations() == 0; }));
  pump.reset();
  EXPECT_TRUE(eventually([&] { return watched.expired(); }));
}

}  // namespace
}  // namespace switchboard
