// Clients that do not take what they are sent, over real sockets: those that are alive lag, those that are gone are found.

#include "echo_service.hpp"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <sys/socket.h>

#include <switchboard/testkit/eventually.hpp>
#include <switchboard/testkit/frame_channel.hpp>
#include <switchboard/testkit/live_server.hpp>
#include <switchboard/v1/frame.pb.h>
#include <switchboard/wire/frame_encoder.hpp>

namespace switchboard {
namespace {

using namespace std::chrono_literals;
using testkit::eventually;
using testkit::frame_channel;

constexpr auto patience = 20s;

class PeerWatch : public testing::Test {
protected:
  static constexpr auto peer_timeout = 500ms;
  static constexpr std::uint32_t messages = 20'000;

  PeerWatch() { server.add(moody_echo_service()); }

  frame_channel connect() { return frame_channel::connect(server.endpoint(), client::within(patience)).value(); }
  /// It asks for 20 MB, and reads none of it.
  void flood(frame_channel& client) {
    RepeatRequest request;
    request.set_payload(std::string(1'000, 'x'));
    request.set_times(messages);
    wire::append_open(client.output(), 1, repeat_method.name, request.SerializeAsString(), true, messages, 0);
    EXPECT_FALSE(client.flush(client::within(patience)));
  }
  double closed(const char* reason) const {
    return server.figures().value("switchboard_connections_closed_total", {reason});
  }

  testkit::live_server server{{.limits = {.peer_timeout = peer_timeout}}};
};

TEST_F(PeerWatch, LeavesAClientAloneThatIsAliveAndReadsNothing) {
  auto client = connect();
  flood(client);
  const auto until = client::clock::now() + 5 * peer_timeout;
  EXPECT_TRUE(eventually([&] { return client::clock::now() > until; }));
  EXPECT_EQ(server.figures().value("switchboard_connections"), 1);
  v1::Frame frame;
  for (std::uint32_t received = 0; received < messages; ++received) {
    ASSERT_FALSE(client.receive(frame, client::within(patience))) << "after " << received;
    ASSERT_TRUE(frame.has_message());
  }
}

TEST_F(PeerWatch, EndsAClientThatIsGone) {
  auto client = connect();
  // The system drops every packet for its socket from now on; before anything is sent to it, for a transport may wait for an
  // answer to what came through, and has sent nothing then that would be watched.
  sock_filter drop[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
  const sock_fprog program{1, drop};
  ASSERT_EQ(setsockopt(static_cast<int>(client.handle()), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program), 0);
  flood(client);
  EXPECT_TRUE(eventually([&] { return closed("peer_lost") == 1; }));
  EXPECT_EQ(server.figures().value("switchboard_limit_hits_total", {"peer_timeout"}), 1);
}

}  // namespace
}  // namespace switchboard
