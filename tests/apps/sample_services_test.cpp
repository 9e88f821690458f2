#include <counter/counter_service.hpp>
#include <gtest/gtest.h>
#include <summer/summer_service.hpp>
#include <ticker/ticker_service.hpp>

#include <switchboard/counter/v1/counter.client.hpp>
#include <switchboard/summer/v1/summer.client.hpp>
#include <switchboard/testkit/live_server.hpp>
#include <switchboard/ticker/v1/ticker.client.hpp>

namespace switchboard {
namespace {

using namespace std::chrono_literals;
constexpr auto patience = 20s;

/// A server of one of the samples.
struct serving : testkit::live_server {
  explicit serving(rpc::service_definition service) { add(std::move(service)); }
};

counter::v1::AddRequest add(const std::string& name, std::int64_t amount) {
  counter::v1::AddRequest request;
  request.set_name(name);
  request.set_amount(amount);
  return request;
}

TEST(Counter, CountsEachNameByItself) {
  serving server{counter::definition()};
  auto connection = server.connect();
  counter::v1::Counter::stub counters{connection};
  ASSERT_TRUE(counters.add(add("a", 2), client::within(patience)).get());
  ASSERT_TRUE(counters.add(add("b", 40), client::within(patience)).get());
  EXPECT_EQ(counters.add(add("a", 3), client::within(patience)).get()->value(), 5);
  counter::v1::GetRequest request;
  request.set_name("b");
  EXPECT_EQ(counters.get(request, client::within(patience)).get()->value(), 40);
}

TEST(Counter, IsTheSameFromEveryConnection) {
  serving server{counter::definition()};
  for (int i = 1; i <= 3; ++i) {
    auto connection = server.connect();
    EXPECT_EQ(counter::v1::Counter::stub{connection}.add(add("shared", 1), client::within(patience)).get()->value(), i);
  }
}

TEST(Counter, RefusesWhatWouldOverflowAndKeepsItsValue) {
  serving server{counter::definition()};
  auto connection = server.connect();
  counter::v1::Counter::stub counters{connection};
  ASSERT_TRUE(counters.add(add("full", std::numeric_limits<std::int64_t>::max()), client::within(patience)).get());
  EXPECT_EQ(counters.add(add("full", 1), client::within(patience)).get().status().code, rpc::code::out_of_range);
  EXPECT_EQ(counters.add(add("full", -1), client::within(patience)).get()->value(),
            std::numeric_limits<std::int64_t>::max() - 1);
}

TEST(Ticker, SendsAReaderThatKeepsUpEveryTick) {
  serving server{ticker::v1::Ticker::service<ticker::ticker_service>(1ms)};
  auto connection = server.connect();
  auto ticks = ticker::v1::Ticker::stub{connection}.watch({});
  ticker::v1::Tick tick;
  ASSERT_TRUE(ticks.next(tick, client::within(patience)).has_message());
  const auto first = tick.number();
  for (std::uint64_t i = 1; i <= 20; ++i) {
    ASSERT_TRUE(ticks.next(tick, client::within(patience)).has_message());
    EXPECT_EQ(tick.number() - tick.missed(), first + i);
  }
}

TEST(Ticker, TellsASlowReaderWhatItMissed) {
  serving server{ticker::v1::Ticker::service<ticker::ticker_service>(1ms)};
  auto slow_connection = server.connect();
  auto connection = server.connect();
  auto slow = ticker::v1::Ticker::stub{slow_connection}.watch({}, {.window = 1});
  ticker::v1::Tick tick;
  ASSERT_TRUE(slow.next(tick, client::within(patience)).has_message());
  const auto until = tick.number() + 50;
  auto other = ticker::v1::Ticker::stub{connection}.watch({});
  while (tick.number() < until) ASSERT_TRUE(other.next(tick, client::within(patience)).has_message());
  // One tick had credit and has waited; the one after it says what came between.
  ticker::v1::Tick waited;
  ASSERT_TRUE(slow.next(waited, client::within(patience)).has_message());
  ASSERT_TRUE(slow.next(tick, client::within(patience)).has_message());
  EXPECT_GT(tick.missed(), 0u);
  EXPECT_EQ(tick.number(), waited.number() + tick.missed() + 1);
}

summer::v1::Number number(std::int64_t value) {
  summer::v1::Number made;
  made.set_value(value);
  return made;
}

TEST(Summer, AddsUpMoreNumbersThanItsWindow) {
  serving server{summer::v1::Summer::service<summer::summer_service>()};
  auto connection = server.connect();
  auto numbers = summer::v1::Summer::stub{connection}.sum();
  for (int i = 1; i <= 1000; ++i) ASSERT_TRUE(numbers.send(number(i), client::within(patience)).ok());
  const auto total = numbers.finish(client::within(patience));
  ASSERT_TRUE(total) << total.status().message;
  EXPECT_EQ(total->sum(), 500'500);
  EXPECT_EQ(total->count(), 1000u);
}

TEST(Summer, AddsUpNothing) {
  serving server{summer::v1::Summer::service<summer::summer_service>()};
  auto connection = server.connect();
  const auto total = summer::v1::Summer::stub{connection}.sum().finish(client::within(patience));
  ASSERT_TRUE(total) << total.status().message;
  EXPECT_EQ(total->count(), 0u);
}

TEST(Summer, AnswersBeforeTheEndWhereItCannotGoOn) {
  serving server{summer::v1::Summer::service<summer::summer_service>()};
  auto connection = server.connect();
  auto numbers = summer::v1::Summer::stub{connection}.sum();
  ASSERT_TRUE(numbers.send(number(std::numeric_limits<std::int64_t>::max()), client::within(patience)).ok());
  ASSERT_TRUE(numbers.send(number(1), client::within(patience)).ok());
  EXPECT_EQ(numbers.finish(client::within(patience)).status().code, rpc::code::out_of_range);
}

}  // namespace
}  // namespace switchboard
