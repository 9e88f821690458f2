#include <switchboard/server/descriptor_limit.hpp>
#include <switchboard/testkit/chosen_network.hpp>
#include <switchboard/testkit/chosen_port.hpp>
#include <switchboard/testkit/live_server.hpp>

namespace switchboard::testkit {
namespace {

embedded_server start(const live_options& wanted) {
  // As server programs do: both ends of every connection are in this process.
  const auto raised = raise_descriptor_limit();
  SWITCHBOARD_INVARIANT(raised, "the descriptor limit is unknown");
  auto started = embedded_server::start({.limits = wanted.limits,
                                         .threads = wanted.threads,
                                         .port = &chosen_port(),
                                         .scheduler = wanted.scheduler,
                                         .network = &chosen_network()});
  SWITCHBOARD_INVARIANT(started.ok(), started.status().message.c_str());
  return std::move(*started);
}

}  // namespace

live_server::live_server(const options& wanted) : server_(start(wanted)) {}

void live_server::add(rpc::service_definition service) {
  const auto wrong = broker().add(std::move(service));
  SWITCHBOARD_INVARIANT(wrong.empty(), wrong.c_str());
}

const net::endpoint& live_server::endpoint() {
  if (!endpoint_) endpoint_ = broker().listen(net::endpoint::tcp("127.0.0.1", 0)).value();
  return *endpoint_;
}

client::channel live_server::connect(client::clock::duration patience) {
  auto connected = client::channel::connect(endpoint(), client::within(patience), {.network = &chosen_network()});
  SWITCHBOARD_INVARIANT(connected.ok(), connected.status().message.c_str());
  return std::move(*connected);
}

}  // namespace switchboard::testkit
