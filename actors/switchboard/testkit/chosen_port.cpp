#include <cstdlib>

#include <switchboard/error/invariant.hpp>
#include <switchboard/testkit/chosen_port.hpp>

namespace switchboard::testkit {

const notify::port_backend& chosen_port() {
  const char* const name = std::getenv("SWITCHBOARD_TEST_PORT");
  const auto* const backend = name != nullptr ? notify::port_backend::find(name) : &notify::port_backend::all().front();
  SWITCHBOARD_INVARIANT(backend != nullptr, "SWITCHBOARD_TEST_PORT names no notification port of this system");
  return *backend;
}

std::unique_ptr<notify::notification_port> make_chosen_port() {
  return std::move(chosen_port().make().value());
}

}  // namespace switchboard::testkit
