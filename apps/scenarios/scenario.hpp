#pragma once

/// What the scenario programs share: `PROGRAM [--port NAME]` runs a scenario on that backend, prints what happened and ends
/// with 0, or prints one line that says what went wrong and ends with 1.
///
/// Defects    of the published sample that this avoids: removal is asked for once, not before every wait, so that a packet
///            that comes in between does not make the second request fail with the event unread; the wait for it checks
///            key and event, passes other packets on, and has a deadline whose passing is an error; ports are chosen by
///            the system, and the backlog holds all clients.
/// Threads    any.
/// Errors     failure, thrown; caught by run() or by the thread that hands it on.

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>

#include <switchboard/net/network.hpp>
#include <switchboard/notify/port_backend.hpp>

namespace switchboard::scenarios {

using clock = std::chrono::steady_clock;

struct failure : std::runtime_error {
  using std::runtime_error::runtime_error;
  failure(const std::string& what, std::error_code why) : std::runtime_error(what + ": " + why.message()) {}
};

inline void check(std::error_code result, const char* what) {
  if (result) throw failure(what, result);
}
template <class Value>
Value take(error_or<Value>&& made, const char* what) {
  if (!made) throw failure(what, made.error());
  return std::move(*made);
}

/// The time limit of a whole scenario.
inline constexpr std::chrono::seconds patience{30};
/// What is left of the time until `deadline`; a failure when nothing is.
notify::notification_port::duration left_until(clock::time_point deadline);

std::unique_ptr<net::listener> listen_on_loopback();

/// Removes the registration of `socket` and waits for the event that ends it; packets that come before go to `other`.
void remove_and_wait(notify::notification_port& port, net::socket_handle socket, std::uint64_t key,
                     clock::time_point deadline, const std::function<void(const notify::packet&)>& other);

/// "in, hangup"
std::string to_string(notify::event events);

using scenario = std::function<void(const notify::port_backend&)>;
int run(int argc, char** argv, const scenario& what);

}  // namespace switchboard::scenarios
