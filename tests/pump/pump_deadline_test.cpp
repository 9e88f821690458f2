// Deadlines as messages: from the port's clock to the actor that asked.

#include "running_system.hpp"

#include <random>

#include <caf/actor_cast.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>
#include <gtest/gtest.h>

namespace switchboard {
namespace {

using namespace pump_test;

caf::behavior listener(caf::event_based_actor*, std::shared_ptr<happenings> told) {
  return {[=](const deadline_expired& expired) { told->tell(std::to_string(expired.tag)); }};
}

class PumpDeadline : public testing::TestWithParam<setup> {
protected:
  ~PumpDeadline() override { caf::anon_send_exit(owner, caf::exit_reason::user_shutdown); }

  deadline_id schedule(clock::time_point at, std::uint64_t tag) {
    return running.pump().schedule(at, caf::actor_cast<caf::strong_actor_ptr>(owner), tag);
  }
  clock::time_point now() { return running.pump().now(); }

  std::shared_ptr<happenings> told = std::make_shared<happenings>();
  running_system running{GetParam()};
  caf::actor owner = running.system().spawn(listener, told);
};

TEST_P(PumpDeadline, ComesWhileEverybodySleeps) {
  schedule(now() + 30ms, 1);
  EXPECT_TRUE(told->await("1"));
  EXPECT_EQ(running.pump().deadlines(), 0u);
}

TEST_P(PumpDeadline, IsNeverEarly) {
  for (int round = 0; round != 50; ++round) {
    const auto at = now() + 100us * round;
    schedule(at, 1);
    ASSERT_TRUE(told->await(static_cast<std::size_t>(round) + 1));
    EXPECT_GE(now(), at);
  }
}

TEST_P(PumpDeadline, ComesSoonAfterItsTime) {
  // The machine may be busy with other things: once in a few attempts is enough to show that nothing waits for a longer
  // time.
  auto best = clock::duration::max();
  for (std::size_t attempt = 0; attempt != 10 && best > 10ms; ++attempt) {
    const auto at = now() + 20ms;
    schedule(at, 1);
    ASSERT_TRUE(told->await(attempt + 1));
    best = std::min(best, now() - at);
  }
  EXPECT_LE(best, 10ms);
}

/// One thread may be delayed between taking a deadline and sending its message, while another sends a later one.
class PumpDeadlineOnOneThread : public PumpDeadline {};

TEST_P(PumpDeadlineOnOneThread, ComeInTheOrderOfTheirTimes) {
  const auto start = now() + 20ms;
  for (const auto place : {5, 1, 4, 2, 3}) schedule(start + 1500us * place, static_cast<std::uint64_t>(place));
  ASSERT_TRUE(told->await(5));
  EXPECT_EQ(told->all(), (std::vector<std::string>{"1", "2", "3", "4", "5"}));
}

TEST_P(PumpDeadline, NearerOneWakesWhoWaitsForALaterOne) {
  schedule(now() + 1h, 1);
  ASSERT_TRUE(running.falls_asleep());
  schedule(now() + 20ms, 2);
  EXPECT_TRUE(told->await("2"));
}

TEST_P(PumpDeadline, CancelledOneDoesNotCome) {
  const auto id = schedule(now() + 20ms, 1);
  schedule(now() + 40ms, 2);
  EXPECT_TRUE(running.pump().cancel(id));
  EXPECT_FALSE(running.pump().cancel(id));
  EXPECT_TRUE(told->await("2"));
  EXPECT_EQ(told->all(), std::vector<std::string>{"2"});
}

TEST_P(PumpDeadline, CancellingLetsGoOfTheOwner) {
  auto brief = running.system().spawn(listener, told);
  const auto watched = caf::actor_cast<caf::weak_actor_ptr>(brief);
  const auto id = running.pump().schedule(now() + 1h, caf::actor_cast<caf::strong_actor_ptr>(brief), 1);
  caf::anon_send_exit(brief, caf::exit_reason::user_shutdown);
  brief = nullptr;
  EXPECT_FALSE(eventually([&] { return !watched.lock(); }, short_while));
  EXPECT_TRUE(running.pump().cancel(id));
  EXPECT_TRUE(eventually([&] { return !watched.lock(); }));
}

TEST_P(PumpDeadline, IsRefusedAfterTheEnd) {
  schedule(now() + 20ms, 1);
  running.pump().stop();
  EXPECT_EQ(running.pump().deadlines(), 0u);
  EXPECT_EQ(schedule(now(), 2), deadline_id::none);
  EXPECT_FALSE(told->await(1, short_while));
}

TEST_P(PumpDeadline, ThousandsComeOnceEach) {
  constexpr std::uint64_t deadlines = 5'000;
  const auto seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  std::size_t cancelled = 0;
  for (std::uint64_t tag = 0; tag != deadlines; ++tag) {
    const auto id = schedule(now() + std::chrono::microseconds(random() % 300'000), tag);
    if (random() % 4 == 0 && running.pump().cancel(id)) ++cancelled;
  }
  ASSERT_TRUE(told->await(deadlines - cancelled));
  auto tags = told->all();
  EXPECT_EQ(tags.size(), deadlines - cancelled);
  std::sort(tags.begin(), tags.end());
  EXPECT_EQ(std::adjacent_find(tags.begin(), tags.end()), tags.end()) << "one came twice";
  EXPECT_EQ(running.pump().deadlines(), 0u);
}

// As a connection would: scheduled again by the handler of the one before, on the worker itself.
TEST_P(PumpDeadline, CanBeScheduledByTheHandlerOfTheOneBefore) {
  constexpr std::uint64_t rounds = 20;
  const auto start = now();
  spawn_acting(running.system(), [=, told = told, pump = running.shared_pump()](caf::event_based_actor* self) {
    pump->schedule(pump->now() + 2ms, caf::actor_cast<caf::strong_actor_ptr>(self), 1);
    return caf::behavior{[=](const deadline_expired& expired) {
      told->tell("again");
      if (expired.tag == rounds) {
        self->quit();
      } else {
        pump->schedule(pump->now() + 2ms, caf::actor_cast<caf::strong_actor_ptr>(self), expired.tag + 1);
      }
    }};
  });
  ASSERT_TRUE(told->await(rounds));
  EXPECT_GE(now() - start, 2ms * rounds);
}

INSTANTIATE_TEST_SUITE_P(, PumpDeadlineOnOneThread,
                         testing::Values(setup{runner::pump_is_scheduler, 1}, setup{runner::pump_has_threads, 1}),
                         [](const auto& each) { return name_of(each.param); });
INSTANTIATE_TEST_SUITE_P(, PumpDeadline,
                         testing::Values(setup{runner::pump_is_scheduler, 1}, setup{runner::pump_is_scheduler, 2},
                                         setup{runner::pump_is_scheduler, 4}, setup{runner::pump_has_threads, 1},
                                         setup{runner::pump_has_threads, 2}),
                         [](const auto& each) { return name_of(each.param); });

}  // namespace
}  // namespace switchboard
