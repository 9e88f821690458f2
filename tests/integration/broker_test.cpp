// A broker, real sockets, several workers.

#include "echo_service.hpp"

#include <thread>

#include <gtest/gtest.h>

#include <switchboard/testkit/eventually.hpp>
#include <switchboard/testkit/frame_channel.hpp>
#include <switchboard/testkit/live_server.hpp>
#include <switchboard/v1/services.pb.h>

namespace switchboard {
namespace {

using namespace std::chrono_literals;
using client::within;
using testkit::eventually;
using testkit::live_server;

class Broker : public testing::TestWithParam<actor_scheduler> {
protected:
  Broker() { server.add(moody_echo_service()); }

  rpc::status say(client::channel& client, std::string payload, std::string* answer = nullptr) {
    SayReply reply;
    const auto status = client.call(say_method.name, say_request(std::move(payload)), reply, within(10s));
    if (answer) *answer = reply.payload();
    return status;
  }

  live_server server{
      {.threads = 2, .limits = {.link = {.flush_timeout = 300ms}, .drain_timeout = 300ms}, .scheduler = GetParam()}};
};

INSTANTIATE_TEST_SUITE_P(, Broker, testing::Values(actor_scheduler::pump, actor_scheduler::stock),
                         [](const auto& each) {
                           return each.param == actor_scheduler::stock ? "OnStockScheduler" : "OnPumpScheduler";
                         });

TEST_P(Broker, AnswersManyClientsAtOnce) {
  std::vector<client::channel> clients;
  for (int i = 0; i < 50; ++i) clients.push_back(server.connect());
  std::vector<client::stream> calls;
  for (int round = 0; round < 20; ++round)
    for (std::size_t i = 0; i < clients.size(); ++i)
      calls.push_back(clients[i].open(say_method, say_request(std::to_string(i) + " " + std::to_string(round))));
  for (auto& client : clients) ASSERT_TRUE(client.flush(within(10s)));
  for (std::size_t i = 0; i < calls.size(); ++i) {
    SayReply reply;
    ASSERT_TRUE(calls[i].next(reply, within(10s)).has_message()) << i;
    EXPECT_EQ(reply.payload(), std::to_string(i % 50) + " " + std::to_string(i / 50));
  }
  EXPECT_EQ(server.figures().value("switchboard_connections"), 50);
}

TEST_P(Broker, StreamsWhatWasAskedForAsCreditAllows) {
  auto client = server.connect();
  RepeatRequest request;
  request.set_payload("again");
  request.set_times(1'000);
  auto stream = client.open(repeat_method, request, {.credit = 10});
  SayReply reply;
  for (int i = 0; i < 1'000; ++i) {
    ASSERT_TRUE(stream.next(reply, within(10s)).has_message()) << i;
    EXPECT_EQ(reply.payload(), "again");
    stream.grant(1);
  }
  const auto end = stream.next(reply, within(10s));
  ASSERT_TRUE(end.ended());
  EXPECT_TRUE(end.status.ok());
}

TEST_P(Broker, GoesOnAfterAHandlerThatThrows) {
  auto client = server.connect();
  EXPECT_EQ(say(client, "throw").code, rpc::code::internal);
  EXPECT_EQ(say(client, "forget").code, rpc::code::internal);
  std::string answer;
  EXPECT_TRUE(say(client, "still here", &answer).ok());
  EXPECT_EQ(answer, "still here");
  EXPECT_EQ(server.figures().total("switchboard_service_restarts_total"), 0);
}

TEST_P(Broker, StartsAServiceAnewThatDied) {
  auto client = server.connect();
  auto held = client.open(say_method, say_request("hold"));
  ASSERT_TRUE(client.flush(within(10s)));
  EXPECT_EQ(say(client, "die").code, rpc::code::unavailable);
  SayReply reply;
  const auto end = held.next(reply, within(10s));
  ASSERT_TRUE(end.ended());
  EXPECT_EQ(end.status.code, rpc::code::unavailable);
  ASSERT_TRUE(eventually([&] { return say(client, "alive again").ok(); }));
  EXPECT_EQ(server.figures().value("switchboard_service_restarts_total", {"switchboard.echo.v1.Echo"}), 1);
}

TEST_P(Broker, TakesOneConnectionsFaultForThatConnectionsOwn) {
  auto good = server.connect();
  for (int i = 0; i < 20; ++i) {
    auto bad = testkit::frame_channel::connect(server.endpoint(), within(10s));
    ASSERT_TRUE(bad);
    ASSERT_FALSE(bad->send_bytes("\xFF\xFF\xFF\xFF\xFF\xFF", within(10s)));
    ASSERT_TRUE(say(good, "undisturbed").ok());
    ASSERT_FALSE(bad->await_end(within(10s)));
  }
  EXPECT_TRUE(eventually([&] { return server.figures().value("switchboard_connections") == 1; }));
}

TEST_P(Broker, CountsConnectionsFromTheirOpeningToTheReasonOfTheirEnd) {
  auto good = server.connect();
  {
    auto leaving = server.connect();
    auto bad = testkit::frame_channel::connect(server.endpoint(), within(10s));
    ASSERT_TRUE(bad);
    ASSERT_TRUE(say(leaving, "hello").ok());
    ASSERT_FALSE(bad->send_bytes("\xFF\xFF\xFF\xFF\xFF\xFF", within(10s)));
    ASSERT_FALSE(bad->await_end(within(10s)));
  }
  ASSERT_TRUE(say(good, "still here").ok());
  // The broker counts when it is notified, which may be after the answers.
  EXPECT_TRUE(eventually([&] {
    const auto now = server.figures();
    return now.value("switchboard_connections_opened_total") == 3 && now.value("switchboard_connections") == 1;
  }));
  const auto figures = server.figures();
  EXPECT_EQ(figures.value("switchboard_connections_closed_total", {"end_of_stream"}), 1);
  EXPECT_EQ(figures.value("switchboard_connections_closed_total", {"protocol_error"}), 1);
  EXPECT_EQ(figures.total("switchboard_connections_closed_total"), 2);
}

TEST_P(Broker, KeepsItsFiguresApartFromAnotherServersInTheProcess) {
  live_server other;
  other.add(moody_echo_service());
  auto client = server.connect();
  ASSERT_TRUE(say(client, "here").ok());
  EXPECT_TRUE(eventually([&] { return server.figures().value("switchboard_connections_opened_total") == 1; }));
  EXPECT_EQ(other.figures().value("switchboard_connections_opened_total"), 0);
}

TEST_P(Broker, AnswersUnaryCallsWhileItDrains) {
  auto client = server.connect();
  auto held = client.open(say_method, say_request("hold"));
  ASSERT_TRUE(say(client, "sent behind it").ok());
  std::thread draining([&] { server.broker().drain(); });
  v1::HealthReply health;
  EXPECT_TRUE(eventually([&] {
    return client.call("switchboard.v1.Health/Check", v1::HealthRequest{}, health, within(10s)).ok() &&
           health.serving() == v1::HealthReply::NOT_SERVING;
  }));
  EXPECT_EQ(say(client, "too late").code, rpc::code::unavailable);
  SayReply reply;
  const auto end = held.next(reply, within(10s));
  EXPECT_EQ(end.status.code, rpc::code::unavailable) << "the drain timeout answers what nobody else does";
  EXPECT_EQ(client.drive_until([&] { return client.why_ended().has_value(); }, within(10s)),
            client::drive_outcome::done);
  draining.join();
  EXPECT_EQ(server.pump()->registrations(), 0u);
}

TEST_P(Broker, RefusesATakenPortByName) {
  const auto taken = server.endpoint();
  const auto second = server.broker().listen(taken);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error(), errc::address_in_use);
}

TEST_P(Broker, LeavesNothingBehindWhenClientsVanish) {
  {
    std::vector<client::channel> clients;
    for (int i = 0; i < 200; ++i) {
      clients.push_back(server.connect());
      RepeatRequest request;
      request.set_times(1'000'000);
      auto stream = clients.back().open(repeat_method, request, {.credit = 5, .until = within(60s)});
      SayReply reply;
      ASSERT_TRUE(stream.next(reply, within(10s)).has_message());
    }
    EXPECT_EQ(server.pump()->registrations(), 201u);
  }
  EXPECT_TRUE(eventually([&] { return server.pump()->registrations() == 1 && server.pump()->deadlines() == 0; }));
  EXPECT_TRUE(eventually([&] { return server.figures().value("switchboard_connections") == 0; }));
}

}  // namespace
}  // namespace switchboard
