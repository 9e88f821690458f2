#include "running_system.hpp"

#include <caf/actor_cast.hpp>
#include <caf/send.hpp>
#include <gtest/gtest.h>

namespace switchboard::pump_test {
namespace {

using notify::interest;

/// Reports to the test each socket that is ready and each deadline that has come.
caf::actor spawn_owner(caf::actor_system& in, const std::shared_ptr<happenings>& told) {
  return spawn_acting(in, [told](caf::event_based_actor*) {
    return caf::behavior{[=](const socket_ready&) { told->tell("ready"); },
                         [=](const registration_closed&) { told->tell("closed"); },
                         [=](const deadline_expired&) { told->tell("expired"); }};
  });
}

class PumpMetrics : public testing::Test {
protected:
  std::int64_t count(std::string_view figure) const { return running.figures().value(figure); }

  std::shared_ptr<happenings> told = std::make_shared<happenings>();
  running_system running{setup{}};
  caf::actor owner = spawn_owner(running.system(), told);

  void TearDown() override {
    caf::anon_send_exit(owner, caf::exit_reason::user_shutdown);
    owner = nullptr;
  }
};

TEST_F(PumpMetrics, CountRegistrationsUntilTheirEnd) {
  socket_pair pair;
  const auto made = running.pump().open(pair.ours(), caf::actor_cast<caf::strong_actor_ptr>(owner), interest::in);
  ASSERT_TRUE(made);
  EXPECT_EQ(count("switchboard_pump_registrations"), 1);
  ASSERT_FALSE(running.pump().remove(*made));
  ASSERT_TRUE(told->await("closed"));
  EXPECT_TRUE(eventually([&] { return count("switchboard_pump_registrations") == 0; }));
}

TEST_F(PumpMetrics, CountPacketsOfEachTurn) {
  const auto before = running.figures();
  socket_pair pair;
  pair.peer_sends("x");
  ASSERT_TRUE(running.pump().open(pair.ours(), caf::actor_cast<caf::strong_actor_ptr>(owner), interest::in));
  ASSERT_TRUE(told->await("ready"));
  const auto now = running.figures();
  EXPECT_GT(now.value("switchboard_pump_turn_packets"), before.value("switchboard_pump_turn_packets"));
  EXPECT_GE(now.find("switchboard_pump_turn_packets", {})->sum,
            before.find("switchboard_pump_turn_packets", {})->sum + 1);
}

TEST_F(PumpMetrics, CountDeadlinesThatAreSetAndThoseThatCome) {
  auto& pump = running.pump();
  const auto self = caf::actor_cast<caf::strong_actor_ptr>(owner);
  const auto cancelled = pump.schedule(pump.now() + 1h, self, 1);
  pump.schedule(pump.now(), self, 2);
  ASSERT_TRUE(told->await("expired"));
  EXPECT_TRUE(pump.cancel(cancelled));
  EXPECT_EQ(count("switchboard_pump_deadlines_total"), 2);
  EXPECT_TRUE(eventually([&] { return count("switchboard_pump_deadlines_expired_total") == 1; }));
}

TEST_F(PumpMetrics, CountWakes) {
  ASSERT_TRUE(running.falls_asleep());
  const auto before = count("switchboard_pump_wakes_total");
  // A worker that is about to sleep may find a message by itself, and then needs no wake.
  EXPECT_TRUE(eventually([&] {
    caf::anon_send(owner, deadline_expired{});
    return count("switchboard_pump_wakes_total") > before;
  }));
}

TEST_F(PumpMetrics, CountFailuresOfThePort) {
  ASSERT_TRUE(running.falls_asleep());
  running.seen().waits_to_fail = 3;
  caf::anon_send(owner, deadline_expired{});
  EXPECT_TRUE(eventually([&] { return count("switchboard_pump_port_failures_total") == 3; }));
}

TEST(PumpMetricsOfTwoWorkers, CountJobsThatOneTakesFromTheOther) {
  constexpr int jobs = 4;
  running_system running{{.run_by = runner::pump_is_scheduler, .workers = 2}};
  const auto told = std::make_shared<happenings>();
  const auto held = std::make_shared<gate>();
  std::vector<caf::actor> actors;
  for (int each = 0; each != jobs; ++each) actors.push_back(spawn_owner(running.system(), told));
  const auto blocked = spawn_acting(running.system(), [=](caf::event_based_actor* self) {
    return caf::behavior{[=](caf::ok_atom) {
      for (const auto& each : actors) self->send(each, deadline_expired{});
      held->pass();
    }};
  });
  caf::anon_send(blocked, caf::ok_atom::value);
  EXPECT_TRUE(told->await(jobs)) << "they wait in the queue of the worker that is held up";
  EXPECT_GE(running.figures().value("switchboard_pump_steals_total"), 1);
  held->open();
  actors.push_back(blocked);
  for (const auto& each : actors) caf::anon_send_exit(each, caf::exit_reason::user_shutdown);
}

}  // namespace
}  // namespace switchboard::pump_test
