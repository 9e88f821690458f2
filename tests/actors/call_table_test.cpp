#include <map>
#include <random>

#include <gtest/gtest.h>

#include <switchboard/actors/call_table.hpp>

namespace switchboard::actors {
namespace {

using rpc::call_event;

open_call& open(call_table& calls, std::uint64_t number, rpc::method_kind kind = rpc::method_kind::unary) {
  static const rpc::method unary{.kind = rpc::method_kind::unary};
  static const rpc::method bidirectional{.kind = rpc::method_kind::bidirectional};
  static const method_entry of_unary{.method = &unary};
  static const method_entry of_bidirectional{.method = &bidirectional};
  auto& opened = calls.open(number, kind == rpc::method_kind::unary ? of_unary : of_bidirectional);
  opened.state.apply(call_event::accept);
  calls.reserve_answer(opened);
  return opened;
}

/// The client cancels it, and its service releases it.
void close(call_table& calls, std::uint64_t number) {
  auto& call = *calls.find(number);
  calls.apply(call, call_event::status);
  calls.apply(call, call_event::release);
  calls.remove(call);
}

TEST(CallTable, FindsOpenCallsOnly) {
  call_table calls;
  open(calls, 1);
  open(calls, 7);
  ASSERT_NE(calls.find(7), nullptr);
  EXPECT_EQ(calls.find(3), nullptr);
  close(calls, 1);
  EXPECT_EQ(calls.find(1), nullptr);
  EXPECT_EQ(calls.size(), 1u);
}

TEST(CallTable, CountsACancelledCallUntilItsServiceLetsGoOfIt) {
  call_table calls;
  auto& cancelled = open(calls, 1);
  calls.apply(cancelled, call_event::status);
  EXPECT_EQ(calls.size(), 0u);
  EXPECT_EQ(calls.unary(), 0u);
  EXPECT_EQ(calls.held(), 1u);
  EXPECT_EQ(calls.find(1), nullptr);
  EXPECT_EQ(calls.find_held(1), &cancelled);
  calls.apply(cancelled, call_event::release);
  EXPECT_EQ(calls.held(), 0u);
}

TEST(CallTable, ReservesRequestAndAnswerUntilTheServiceReleasesTheCall) {
  call_table calls;
  const rpc::method method{.kind = rpc::method_kind::unary};
  const method_entry entry{.method = &method, .answer_bytes_max = 5000};
  auto& call = calls.open(1, entry);
  call.state.apply(call_event::accept);
  calls.charge(call, 100);
  calls.reserve_answer(call);
  EXPECT_EQ(calls.allowance_bytes(), 100u + 5000u + 100u);
  EXPECT_EQ(calls.allowance_bytes(), entry.allowance_bytes(100));
  calls.apply(call, call_event::status);
  EXPECT_EQ(calls.allowance_bytes(), 5200u) << "cancelled, but its service has it";
  calls.apply(call, call_event::release);
  EXPECT_EQ(calls.allowance_bytes(), 100u);
  calls.remove(call);
  EXPECT_EQ(calls.allowance_bytes(), 0u);
}

TEST(CallTable, CountsUnaryCallsApart) {
  call_table calls;
  open(calls, 1);
  open(calls, 3, rpc::method_kind::bidirectional);
  EXPECT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls.unary(), 1u);
}

TEST(CallTable, ChargesWhatItsCallsHold) {
  call_table calls;
  calls.charge(open(calls, 1), 100);
  open(calls, 3);
  calls.charge(*calls.find(3), 50);
  EXPECT_EQ(calls.request_bytes(), 150u);
  calls.discharge(*calls.find(3), 1000);
  EXPECT_EQ(calls.request_bytes(), 100u) << "no more than was charged to the call";
  close(calls, 1);
  EXPECT_EQ(calls.request_bytes(), 0u);
}

TEST(CallTable, AgreesWithAMapWhateverTheOrderOfEnds) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random{seed};
  call_table calls;
  std::map<std::uint64_t, bool> there;
  std::uint64_t next = 1;
  for (int step = 0; step < 20'000; ++step) {
    if (there.empty() || random() % 5 < 2) {
      next += 2 * (1 + random() % 3);
      open(calls, next);
      there[next] = true;
    } else {
      auto victim = there.lower_bound(random() % next);
      if (victim == there.end()) victim = there.begin();
      close(calls, victim->first);
      there.erase(victim);
    }
    ASSERT_EQ(calls.size(), there.size());
  }
  const auto numbers = calls.numbers([](const open_call&) { return true; });
  ASSERT_EQ(numbers.size(), there.size());
  for (const auto number : numbers) EXPECT_TRUE(there.contains(number));
}

}  // namespace
}  // namespace switchboard::actors
