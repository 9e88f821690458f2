#include "notification_port_contract.hpp"

#include <cstdlib>

#include <switchboard/simulated/world.hpp>

namespace switchboard::notify {
namespace {

/// The fault that simulated ports shall have, for tests of these tests; null for none.
const char* wanted_fault() {
  return std::getenv("SWITCHBOARD_TEST_FAULT");
}

/// The world of all simulated ports here.
simulated::world& one_world() {
  static simulated::world instance;
  return instance;
}

/// The fault begins anew with each port: a test fails whatever tests ran before it.
error_or<std::unique_ptr<notification_port>> make_simulated_port() noexcept {
  if (const char* const name = wanted_fault()) one_world().break_rule(simulated::find_fault(name).value());
  return one_world().make_port();
}

net::network& simulated_network() noexcept {
  return one_world().network();
}

bool await_readable_simulated(net::socket_handle socket) {
  while (!one_world().is_readable(socket))
    if (!one_world().advance(patience)) return false;
  return true;
}

std::string name_of(const testing::TestParamInfo<backend>& info) {
  return info.param.name;
}

// In simulated time a wait with a deadline expires at once, without waiting for what another thread is about to do.
const auto simulated_one =
    testing::Values(backend{"Simulated", make_simulated_port, simulated_network, await_readable_simulated,
                            simulated::detach, notification_port::infinite});

INSTANTIATE_TEST_SUITE_P(Simulated, NotificationPortContract, simulated_one, name_of);
INSTANTIATE_TEST_SUITE_P(Simulated, NotificationPortWithStrictEdge, simulated_one, name_of);
INSTANTIATE_TEST_SUITE_P(Simulated, NotificationPortExplainingResets, simulated_one, name_of);
INSTANTIATE_TEST_SUITE_P(Simulated, NotificationPortWithMovableListeners, simulated_one, name_of);
INSTANTIATE_TEST_SUITE_P(Simulated, NotificationPortIncidents, simulated_one, name_of);
INSTANTIATE_TEST_SUITE_P(Simulated, NotificationPortDrained, simulated_one, name_of);
INSTANTIATE_TEST_SUITE_P(Simulated, NotificationPortNames, simulated_one, name_of);

}  // namespace

std::chrono::nanoseconds patience_with_threads() {
  static const std::chrono::nanoseconds how_long = wanted_fault() ? 200ms : patience;
  return how_long;
}

}  // namespace switchboard::notify
