// A service's typed interface across CAF nodes: protobuf messages are serialized only where a handle points elsewhere.

#include <caf/io/all.hpp>
#include <caf/scoped_actor.hpp>
#include <gtest/gtest.h>

#include <switchboard/actors/service_host.hpp>
#include <switchboard/echo/v1/echo.switchboard.hpp>
#include <switchboard/notify/epoll_port.hpp>
#include <switchboard/rpc/caf_error.hpp>

namespace switchboard {
namespace {

using echo::v1::Echo;
using echo::v1::RepeatRequest;
using echo::v1::SayReply;
using echo::v1::SayRequest;

struct node_config : caf::actor_system_config {
  node_config() {
    load<caf::io::middleman>();
    rpc::add_message_types<Echo>(*this);
    set("logger.verbosity", caf::atom("quiet"));
  }
};

struct failing_echo {
  rpc::result<SayReply> say(SayRequest& request) {
    if (request.payload().empty()) return rpc::status{rpc::code::invalid_argument, "nothing to say"};
    SayReply reply;
    reply.set_payload("heard " + request.payload());
    return reply;
  }
  void repeat(const RepeatRequest&, rpc::outbound<SayReply> stream) { stream.finish(); }
};

TEST(CafNode, CallsAServiceOfAnotherNode) {
  auto port = notify::make_epoll_port();
  ASSERT_TRUE(port);
  const auto pump = notification_pump::create(std::move(*port));
  node_config here;
  node_config there;
  {
    caf::actor_system serving{there};
    caf::actor_system calling{here};
    auto service = actors::spawn<Echo>(serving, pump, Echo::service<failing_echo>());
    const auto at = serving.middleman().publish(service, 0, "127.0.0.1");
    ASSERT_TRUE(at) << serving.render(at.error());
    const auto remote = calling.middleman().remote_actor<Echo::actor>("127.0.0.1", *at);
    ASSERT_TRUE(remote) << calling.render(remote.error());
    caf::scoped_actor self{calling};
    SayRequest request;
    request.set_payload("across");
    self->request(*remote, caf::infinite, Echo::say{}, request)
        .receive([](const SayReply& reply) { EXPECT_EQ(reply.payload(), "heard across"); },
                 [](const caf::error& failure) { ADD_FAILURE() << rpc::to_status(failure).message; });
    self->request(*remote, caf::infinite, Echo::say{}, SayRequest{})
        .receive([](const SayReply&) { ADD_FAILURE() << "answered"; },
                 [](const caf::error& failure) {
                   EXPECT_EQ(rpc::to_status(failure), (rpc::status{rpc::code::invalid_argument, "nothing to say"}));
                 });
    caf::anon_send_exit(service, caf::exit_reason::user_shutdown);
  }
  pump->stop();
}

}  // namespace
}  // namespace switchboard
