// Five thousand people in fifty rooms: each message reaches each member once and in order, and nothing stays behind.

#include "chat_service.hpp"

#include <array>

#include <dirent.h>
#include <gtest/gtest.h>

#include <switchboard/rooms/memory_log.hpp>
#include <switchboard/server/descriptor_limit.hpp>
#include <switchboard/testkit/chosen_port.hpp>
#include <switchboard/testkit/eventually.hpp>
#include <switchboard/testkit/live_server.hpp>
#include <switchboard/wire/frame_decoder.hpp>
#include <switchboard/wire/frame_encoder.hpp>

namespace switchboard {
namespace {

using namespace std::chrono_literals;
using notify::event;
using notify::interest;

constexpr std::size_t members = 5'000;
constexpr std::size_t rooms = 50;
constexpr std::size_t messages_per_room = 20;

std::size_t open_descriptors() {
  std::size_t count = 0;
  auto* const folder = ::opendir("/proc/self/fd");
  while (::readdir(folder)) ++count;
  ::closedir(folder);
  return count;
}

/// One member: its connection and what it has heard.
struct member {
  std::unique_ptr<net::transport> transport;
  wire::frame_decoder decoder;
  std::string room;
  bool caught_up = false;
  std::uint64_t last_sequence = 0;
  std::uint64_t acknowledged = 0;
};

/// All members on one notification port, on the test's thread.
class swarm {
public:
  explicit swarm(const net::endpoint& server) {
    for (std::size_t i = 0; i < members; ++i) {
      auto& added = all.emplace_back();
      added.transport = net::system_network().connect(server).value();
      added.room = "room-" + std::to_string(i % rooms);
      chat::v1::JoinRequest join;
      join.set_room(added.room);
      join.set_nickname("member-" + std::to_string(i));
      std::string opening;
      wire::append_open(opening, 1, "switchboard.chat.v1.Chat/Join", join.SerializeAsString(), true, 1'000'000, 0);
      output.push_back(std::move(opening));
      arm(i, interest::out | interest::in);
    }
  }
  ~swarm() {
    for (auto& each : all) (void)port->apply({.socket = each.transport->handle(), .op = notify::operation::remove});
  }

  void publish(std::size_t by, std::size_t number) {
    chat::v1::PublishRequest request;
    request.set_room(all[by].room);
    request.set_text("message " + std::to_string(number));
    wire::append_open(output[by], 3 + 2 * number, "switchboard.chat.v1.Chat/Publish", request.SerializeAsString(), true,
                      0, 0);
    arm(by, interest::out | interest::in);
  }

  /// Serves the members until `done()`.
  template <class Done>
  [[nodiscard]] bool run_until(Done&& done) {
    const auto until = port->now() + 60s;
    while (!done()) {
      if (port->now() > until) return false;
      std::array<notify::packet, 256> packets;
      const auto count = port->wait(packets, 100ms).value();
      for (std::size_t i = 0; i < count; ++i) serve(static_cast<std::size_t>(packets[i].key), packets[i].events());
    }
    return true;
  }

  std::vector<member> all;
  std::vector<std::string> output;
  std::size_t caught_up = 0;
  std::size_t deliveries = 0;
  std::size_t acknowledged = 0;
  std::vector<std::string> faults;

private:
  void arm(std::size_t which, interest filter) {
    const auto failed = port->apply(
        {.socket = all[which].transport->handle(), .key = which, .filter = filter, .op = notify::operation::enable});
    ASSERT_FALSE(failed) << failed.message();
  }

  void serve(std::size_t which, event events) {
    auto& self = all[which];
    auto& out = output[which];
    if (!out.empty() && has(events, event::out)) {
      const net::const_buffer piece{out.data(), out.size()};
      const auto written = self.transport->write({&piece, 1});
      if (written.outcome == net::io_outcome::done) out.erase(0, written.bytes);
    }
    static std::array<std::byte, 65536> chunk;
    const auto read = self.transport->read(chunk);
    if (read.outcome == net::io_outcome::done) {
      self.decoder.feed(std::span{chunk}.first(read.bytes));
      wire::frame_view frame;
      while (self.decoder.next(frame) == wire::frame_decoder::outcome::frame) take(which, frame);
    } else if (read.outcome != net::io_outcome::would_block) {
      faults.push_back(std::to_string(which) + ": the connection ended");
      return;
    }
    arm(which, out.empty() ? interest::in : interest::in | interest::out);
  }

  void take(std::size_t which, const wire::frame_view& frame) {
    auto& self = all[which];
    const auto complain = [&](const std::string& what) { faults.push_back(std::to_string(which) + ": " + what); };
    if (frame.has_status) return complain("a status on call " + std::to_string(frame.call));
    if (frame.call != 1) {
      ++self.acknowledged;
      ++acknowledged;
      return;
    }
    chat::v1::RoomEvent happened;
    happened.ParseFromArray(frame.message.data(), static_cast<int>(frame.message.size()));
    if (happened.room() != self.room) complain("an event of " + happened.room());
    if (happened.has_caught_up()) {
      self.caught_up = true;
      self.last_sequence = happened.caught_up().sequence();
      ++caught_up;
    } else if (happened.has_message()) {
      if (happened.message().sequence() != self.last_sequence + 1)
        complain("sequence " + std::to_string(happened.message().sequence()) + " after " +
                 std::to_string(self.last_sequence));
      self.last_sequence = happened.message().sequence();
      ++deliveries;
    } else if (happened.has_gap()) {
      complain("a gap");
    }
  }

  std::unique_ptr<notify::notification_port> port = testkit::make_chosen_port();
};

TEST(ChatSwarm, DeliversEachMessageToEachMemberOnceAndInOrderAndLeavesNothingBehind) {
  ASSERT_GE(raise_descriptor_limit().value(), 2 * members + 100) << "this test needs that many descriptors";
  testkit::live_server server{{.threads = 2}};
  server.add(chat::definition(std::make_shared<memory_home>(chat::entry_encoder())));
  // With one client come and gone, all that the server itself has is there.
  (void)server.connect();
  ASSERT_TRUE(testkit::eventually([&] {
    const auto now = server.broker().statistics();
    return now.accepted == 1 && now.connections == 0;
  }));
  const auto actors_before = server.system().registry().running();
  const auto descriptors_before = open_descriptors();
  {
    swarm people{server.endpoint()};
    ASSERT_TRUE(people.run_until([&] { return people.caught_up == members; })) << people.caught_up;
    EXPECT_EQ(server.broker().statistics().connections, members);
    for (std::size_t number = 0; number < messages_per_room; ++number)
      for (std::size_t room = 0; room < rooms; ++room) people.publish(room + rooms * number, number);
    ASSERT_TRUE(people.run_until([&] {
      return people.deliveries >= members * messages_per_room && people.acknowledged == rooms * messages_per_room;
    })) << people.deliveries;
    EXPECT_EQ(people.deliveries, members * messages_per_room);
    EXPECT_TRUE(people.faults.empty()) << people.faults.size() << " faults, the first: " << people.faults.front();
  }
  EXPECT_TRUE(testkit::eventually([&] { return server.broker().statistics().connections == 0; }, 30s));
  EXPECT_TRUE(testkit::eventually([&] { return server.pump()->registrations() == 1; }));
  // The rooms stay, as the protocol says: an actor each.
  EXPECT_TRUE(testkit::eventually([&] { return server.system().registry().running() == actors_before + rooms; }))
      << server.system().registry().running() << " actors, " << actors_before << " before";
  EXPECT_EQ(open_descriptors(), descriptors_before);
}

}  // namespace
}  // namespace switchboard
