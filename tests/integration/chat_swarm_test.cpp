// Five thousand people in fifty rooms: each message reaches each member once and in order, and nothing is leaked.

#include "chat_service.hpp"

#include <array>
#include <optional>

#include <dirent.h>
#include <gtest/gtest.h>

#include <switchboard/link/frame_link.hpp>
#include <switchboard/rooms/memory_log.hpp>
#include <switchboard/server/descriptor_limit.hpp>
#include <switchboard/testkit/chosen_network.hpp>
#include <switchboard/testkit/chosen_port.hpp>
#include <switchboard/testkit/eventually.hpp>
#include <switchboard/testkit/live_server.hpp>
#include <switchboard/v1/services.pb.h>
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

/// What all members have heard.
struct tally {
  std::size_t caught_up = 0;
  std::size_t deliveries = 0;
  std::size_t acknowledged = 0;
  std::vector<std::string> faults;
};

/// One member: its link, on a port that all members share, and what it has heard.
class member final : private link::upper_layer, private link::driver {
public:
  member(notify::notification_port& port, std::uint64_t key, const net::endpoint& server, tally& heard)
      : port_(port),
        key_(key),
        heard_(heard),
        room_("room-" + std::to_string(key % rooms)),
        link_(*this, *this, limits_, testkit::chosen_network().connect(server).value()) {
    link_.start();
    end_turn();
  }

  void publish(std::size_t number) {
    chat::v1::PublishRequest request;
    request.set_room(room_);
    request.set_text("message " + std::to_string(number));
    call(3 + 2 * number, "switchboard.chat.v1.Chat/Publish", request, 0);
    end_turn();
  }
  void serve(event events) {
    link_.on_ready(events);
    end_turn();
  }
  void leave() { (void)port_.apply({.socket = socket_, .op = notify::operation::remove}); }

private:
  void call(std::uint64_t number, std::string_view method, const google::protobuf::MessageLite& request,
            std::uint32_t credit) {
    link_.output().add_reply([&](std::string& out) {
      wire::append_open(out, number, method, request.SerializeAsString(), true, credit, 0);
    });
  }
  void end_turn() {
    link_.end_turn();
    while (std::exchange(turn_queued_, false)) {
      link_.on_turn();
      link_.end_turn();
    }
  }
  void complain(const std::string& what) { heard_.faults.push_back(std::to_string(key_) + ": " + what); }

  void on_open() override {
    chat::v1::JoinRequest join;
    join.set_room(room_);
    join.set_nickname("member-" + std::to_string(key_));
    call(1, "switchboard.chat.v1.Chat/Join", join, 1'000'000);
  }
  void on_frame(const wire::frame_view& frame) override {
    if (frame.has_status) return complain("a status on call " + std::to_string(frame.call));
    if (frame.call != 1) {
      ++heard_.acknowledged;
      return;
    }
    chat::v1::RoomEvent happened;
    happened.ParseFromArray(frame.message.data(), static_cast<int>(frame.message.size()));
    if (happened.room() != room_) complain("an event of " + happened.room());
    if (happened.has_caught_up()) {
      last_sequence_ = happened.caught_up().sequence();
      ++heard_.caught_up;
    } else if (happened.has_message()) {
      const auto sequence = happened.message().sequence();
      if (sequence != last_sequence_ + 1)
        complain("sequence " + std::to_string(sequence) + " after " + std::to_string(last_sequence_));
      last_sequence_ = sequence;
      ++heard_.deliveries;
    } else if (happened.has_gap()) {
      complain("a gap");
    }
  }
  void on_malformed(std::error_code why) override { link_.close(link::close_reason::protocol_error, why); }
  void on_end_of_stream() override { link_.close(link::close_reason::end_of_stream); }
  void on_closing(link::close_reason why, std::error_code) override {
    complain(std::string("the connection ended: ") + link::to_string(why));
  }
  void on_closed(link::close_reason) override {}

  std::error_code open(net::socket_handle socket, interest first) override {
    socket_ = socket;
    return arm(first, notify::hint::none);
  }
  std::error_code arm(interest filter, notify::hint known) noexcept override {
    return port_.apply(
        {.socket = socket_, .key = key_, .filter = filter, .op = notify::operation::enable, .known = known});
  }
  bool remove() noexcept override { return false; }
  // The test itself has a limit of time.
  void set_deadline(link::clock::time_point) override {}
  void cancel_deadline() noexcept override {}
  bool has_deadline() const noexcept override { return true; }
  link::clock::time_point now() const noexcept override { return port_.now(); }
  void queue_turn() override { turn_queued_ = true; }
  bool has_more() const noexcept override { return false; }

  notify::notification_port& port_;
  const std::uint64_t key_;
  tally& heard_;
  const std::string room_;
  std::uint64_t last_sequence_ = 0;
  net::socket_handle socket_ = net::socket_handle::invalid;
  bool turn_queued_ = false;
  const link::limits limits_{};
  link::frame_link link_;
};

/// All members on one notification port, on the test's thread.
class swarm {
public:
  explicit swarm(const net::endpoint& server) {
    for (std::size_t i = 0; i < members; ++i) all_.push_back(std::make_unique<member>(*port_, i, server, heard));
  }
  ~swarm() {
    for (auto& each : all_) each->leave();
  }

  void publish(std::size_t by, std::size_t number) { all_[by]->publish(number); }

  /// Serves the members until `done()`.
  template <class Done>
  [[nodiscard]] bool run_until(Done&& done) {
    const auto until = port_->now() + 60s;
    while (!done()) {
      if (port_->now() > until) return false;
      std::array<notify::packet, 256> packets;
      const auto count = port_->wait(packets, 100ms).value();
      for (std::size_t i = 0; i < count; ++i) all_[packets[i].key]->serve(packets[i].events());
    }
    return true;
  }

  tally heard;

private:
  // The port goes before its sockets.
  std::vector<std::unique_ptr<member>> all_;
  std::unique_ptr<notify::notification_port> port_ = testkit::make_chosen_port();
};

TEST(ChatSwarm, DeliversEachMessageToEachMemberOnceAndInOrderAndLeavesNothingBehind) {
  ASSERT_GE(raise_descriptor_limit().value(), 2 * members + 100) << "this test needs that many descriptors";
  testkit::live_server server{{.threads = 2}};
  server.add(chat::definition(std::make_shared<rooms::memory_store>(chat::entry_encoder())));
  // With one client come and gone, all that the server itself has is there: its connection's actor goes after it is counted as closed.
  // Counted as open it may have none yet; one that has answered is there.
  std::optional<client::channel> first{server.connect()};
  v1::PingReply pong;
  ASSERT_TRUE(first->call("switchboard.v1.Session/Ping", v1::PingRequest{}, pong, client::within(10s)).ok());
  const auto actors_before = server.system().registry().running() - 1;
  first.reset();
  ASSERT_TRUE(testkit::eventually([&] {
    return server.figures().value("switchboard_connections") == 0 &&
           server.system().registry().running() == actors_before;
  }));
  const auto descriptors_before = open_descriptors();
  {
    swarm people{server.endpoint()};
    ASSERT_TRUE(people.run_until([&] { return people.heard.caught_up == members; })) << people.heard.caught_up;
    EXPECT_EQ(server.figures().value("switchboard_connections"), std::int64_t{members});
    for (std::size_t number = 0; number < messages_per_room; ++number)
      for (std::size_t room = 0; room < rooms; ++room) people.publish(room + rooms * number, number);
    ASSERT_TRUE(people.run_until([&] {
      return people.heard.deliveries >= members * messages_per_room &&
             people.heard.acknowledged == rooms * messages_per_room;
    })) << people.heard.deliveries;
    EXPECT_EQ(people.heard.deliveries, members * messages_per_room);
    EXPECT_TRUE(people.heard.faults.empty())
        << people.heard.faults.size() << " faults, the first: " << people.heard.faults.front();
  }
  EXPECT_TRUE(testkit::eventually([&] { return server.figures().value("switchboard_connections") == 0; }, 30s));
  EXPECT_TRUE(testkit::eventually([&] { return server.pump()->registrations() == 1; }));
  // The rooms stay, as the protocol says: an actor each.
  EXPECT_TRUE(testkit::eventually([&] { return server.system().registry().running() == actors_before + rooms; }))
      << server.system().registry().running() << " actors, " << actors_before << " before";
  EXPECT_EQ(open_descriptors(), descriptors_before);
}

}  // namespace
}  // namespace switchboard
