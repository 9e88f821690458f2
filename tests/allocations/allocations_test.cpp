// How many allocations a call and a delivery cost a server that runs already: more than any other single thing they are what
// its processor time goes to. The bounds are what was counted: a change that adds one has to say why.

#include "chat_service.hpp"
#include "counted_new.hpp"

#include <functional>

#include <gtest/gtest.h>

#include <switchboard/chat/v1/chat.pb.h>
#include <switchboard/echo/v1/echo.switchboard.hpp>
#include <switchboard/rooms/memory_log.hpp>
#include <switchboard/testkit/frame_channel.hpp>
#include <switchboard/testkit/live_server.hpp>
#include <switchboard/wire/frame_encoder.hpp>

namespace switchboard {
namespace {

using namespace std::chrono_literals;
using testkit::frame_channel;

struct plain_echo {
  echo::v1::SayReply say(echo::v1::SayRequest& request) {
    echo::v1::SayReply reply;
    *reply.mutable_payload() = std::move(*request.mutable_payload());
    return reply;
  }
  void repeat(const echo::v1::RepeatRequest&, rpc::outbound<echo::v1::SayReply>) {}
};

class Allocations : public testing::Test {
protected:
  static constexpr int warm_up = 200;
  static constexpr int rounds = 500;

  /// The clients' thread is this one: what they allocate is not the server's.
  Allocations() {
    allocations::exempt_this_thread();
    server.add(echo::v1::Echo::service<plain_echo>());
    server.add(chat::definition(std::make_shared<rooms::memory_store>(chat::entry_encoder()), {}, server.metrics()));
  }

  frame_channel connect() { return frame_channel::connect(server.endpoint(), client::within(10s)).value(); }

  /// Queues a call of a method with one message each way.
  void open(frame_channel& on, std::string_view method, const google::protobuf::MessageLite& request,
            std::uint32_t credit = 0) {
    wire::append_open(on.output(), call_ += 2, method, request.SerializeAsString(), true, credit, 0);
  }
  /// Sends what is queued, and takes so many frames.
  void exchange(frame_channel& on, int frames) {
    ASSERT_FALSE(on.flush(client::within(10s)));
    take(on, frames);
  }
  void take(frame_channel& from, int frames) {
    wire::frame_view frame;
    for (int n = 0; n < frames; ++n) ASSERT_FALSE(from.receive(frame, client::within(10s)));
  }
  /// What one round allocates, when many have gone before.
  double of_a_round(const std::function<void()>& round) {
    for (int n = 0; n < warm_up; ++n) round();
    const auto before = allocations::made();
    for (int n = 0; n < rounds; ++n) round();
    const auto each = static_cast<double>(allocations::made() - before) / rounds;
    RecordProperty("allocations", std::to_string(each));
    return each;
  }

  testkit::live_server server{{.threads = 1}};
  std::uint64_t call_ = UINT64_MAX;
};

TEST_F(Allocations, OfACallByItself) {
  auto client = connect();
  echo::v1::SayRequest request;
  request.set_payload(std::string(64, 'x'));
  const auto made = of_a_round([&] {
    open(client, "switchboard.echo.v1.Echo/Say", request);
    exchange(client, 1);
  });
  // Three messages (ready, calls, answers), and the payload's string in the request and in the reply.
  EXPECT_LE(made, 3 + 2);
}

TEST_F(Allocations, OfACallAmongOthers) {
  constexpr int together = 16;
  auto client = connect();
  echo::v1::SayRequest request;
  request.set_payload(std::string(64, 'x'));
  const auto made = of_a_round([&] {
    for (int n = 0; n < together; ++n) open(client, "switchboard.echo.v1.Echo/Say", request);
    exchange(client, together);
  });
  EXPECT_LE(made, 3 + 2 * together);
}

TEST_F(Allocations, OfADelivery) {
  constexpr int members = 20;
  std::vector<frame_channel> room;
  for (int n = 0; n < members; ++n) {
    room.push_back(connect());
    chat::v1::JoinRequest request;
    request.set_room("lobby");
    request.set_nickname("nick" + std::to_string(n));
    open(room.back(), "switchboard.chat.v1.Chat/Join", request, UINT32_MAX);
    // CaughtUp; and to those before it that it has come.
    exchange(room.back(), 1);
    for (int earlier = 0; earlier < n; ++earlier) take(room[static_cast<std::size_t>(earlier)], 1);
  }
  chat::v1::PublishRequest request;
  request.set_room("lobby");
  request.set_text(std::string(64, 'x'));
  const auto made = of_a_round([&] {
    open(room.front(), "switchboard.chat.v1.Chat/Publish", request);
    exchange(room.front(), 2);
    for (int n = 1; n < members; ++n) take(room[static_cast<std::size_t>(n)], 1);
  });
  // For each member the message that wakes it, and for some the next block of their output; for the publish about twenty.
  EXPECT_LE(made, 25 + members);
}

}  // namespace
}  // namespace switchboard
