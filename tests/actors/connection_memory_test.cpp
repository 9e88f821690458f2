#include "connection_fixture.hpp"

#include <string>

#include <switchboard/budget/account.hpp>

namespace switchboard::actors {
namespace {

using budget::account;
using budget::owner;

constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * kib;

/// A connection of a server with `total` bytes for its clients.
class ConnectionMemory : public ConnectionTest {
protected:
  void start_with(std::size_t total) {
    environment->memory = memory = std::make_shared<budget::ledger>(total);
    start();
  }
  std::size_t held() const { return memory->used_by(owner::connection); }

  std::shared_ptr<budget::ledger> memory;
};

TEST_F(ConnectionMemory, IsOneStepWhileTheClientIsIdle) {
  start_with(64 * mib);
  EXPECT_EQ(held(), account::step);
}

TEST_F(ConnectionMemory, CountsRepliesUntilTheClientTakesThem) {
  start_with(64 * mib);
  wire->room = 0;
  desk.at_once = std::string(300 * kib, 'x');
  receive(open_say(1, "a") + open_say(3, "b"));
  EXPECT_GE(held(), 600 * kib);
  make_room(mib);
  EXPECT_EQ(sent().size(), 2u);
  EXPECT_LE(held(), account::slack);
}

TEST_F(ConnectionMemory, CountsRequestsUntilTheirServiceHasAnswered) {
  start_with(64 * mib);
  receive(open_say(1, std::string(60 * kib, 'x')));
  EXPECT_GE(held(), 60 * kib);
  desk.said.front().reply(reply("done"));
  stage.settle();
  EXPECT_LE(held(), account::slack);
}

TEST_F(ConnectionMemory, CountsAFrameThatHasNotComeWhole) {
  start_with(64 * mib);
  auto begun = open_say(1, std::string(60 * kib, 'x'));
  const auto last = begun.back();
  begun.pop_back();
  receive(begun);
  EXPECT_GE(held(), 60 * kib);
  receive(std::string(1, last));
  ASSERT_EQ(desk.said.size(), 1u);
}

TEST_F(ConnectionMemory, CountsOpenCallsAndStreams) {
  start_with(64 * mib);
  std::string frames;
  for (std::uint64_t call = 1; call < 400; call += 2) frames += open_repeat(call, 1);
  receive(frames);
  EXPECT_GE(held(), 200 * kib);
}

TEST_F(ConnectionMemory, IsGivenBackAtTheConnectionsEnd) {
  start_with(64 * mib);
  wire->room = 0;
  desk.at_once = std::string(300 * kib, 'x');
  receive(open_say(1, "a"));
  tell(close_connection{});
  EXPECT_EQ(memory->used(), 0u);
}

TEST_F(ConnectionMemory, EndsAtOnceWhenItIsMostOfWhatIsShortAndTheClientDoesNotRead) {
  start_with(mib);
  wire->room = 0;
  desk.at_once = std::string(300 * kib, 'x');
  receive(open_say(1, "a"));
  account of_rooms{memory, owner::room};
  of_rooms.charge(mib);
  stage.settle();
  EXPECT_EQ(broker.closed, std::vector{close_reason::memory_max});
  EXPECT_EQ(held(), 0u);
  EXPECT_EQ(environment->figures->read().value("switchboard_limit_hits_total", {"memory_max"}), 1);
}

TEST_F(ConnectionMemory, EndsWithAStatusWhenTheClientReads) {
  start_with(mib);
  receive(open_say(1, std::string(50 * kib, 'x')));
  receive(open_say(3, std::string(50 * kib, 'x')));
  account of_rooms{memory, owner::room};
  of_rooms.charge(mib);
  stage.settle();
  const auto last = sent_one();
  EXPECT_EQ(last.call(), 0u);
  EXPECT_EQ(code_of(last), rpc::code::resource_exhausted);
  EXPECT_NE(last.status().message().find("memory_max"), std::string::npos);
  EXPECT_GE(held(), 100 * kib) << "its service still has the requests";
  receive_end();
  EXPECT_EQ(broker.closed, std::vector{close_reason::memory_max});
  EXPECT_EQ(held(), 0u);
}

}  // namespace
}  // namespace switchboard::actors
