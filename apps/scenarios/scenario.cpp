#include "scenario.hpp"

#include <array>
#include <cstdio>
#include <string_view>

namespace switchboard::scenarios {

using notify::event;
using notify::packet;

notify::notification_port::duration left_until(clock::time_point deadline) {
  const auto left = deadline - clock::now();
  if (left <= clock::duration::zero())
    throw failure("nothing more happened within " + std::to_string(patience.count()) + " s");
  return left;
}

std::unique_ptr<net::listener> listen_on_loopback() {
  return take(net::system_network().listen(net::endpoint::tcp("127.0.0.1", 0)), "listen");
}

void remove_and_wait(notify::notification_port& port, net::socket_handle socket, std::uint64_t key,
                     clock::time_point deadline, const std::function<void(const packet&)>& other) {
  check(port.apply({.socket = socket, .key = key, .op = notify::operation::remove}), "remove");
  std::array<packet, 8> packets;
  for (bool removed = false; !removed;) {
    const auto count = take(port.wait(packets, left_until(deadline)), "wait");
    for (const auto& each : std::span(packets).first(count)) {
      if (each.key == key && has(each.events(), event::remove))
        removed = true;
      else
        other(each);
    }
  }
  port.release();
}

std::string to_string(event events) {
  static constexpr std::pair<event, std::string_view> names[] = {{event::in, "in"},
                                                                 {event::out, "out"},
                                                                 {event::hangup, "hangup"},
                                                                 {event::err, "err"},
                                                                 {event::remove, "remove"}};
  std::string all;
  for (const auto& [each, name] : names)
    if (has(events, each)) all.append(all.empty() ? "" : ", ").append(name);
  return all.empty() ? "nothing" : all;
}

int run(int argc, char** argv, const scenario& what) {
  const notify::port_backend* backend = &notify::port_backend::all().front();
  if (argc == 3 && std::string_view(argv[1]) == "--port") backend = notify::port_backend::find(argv[2]);
  if ((argc != 1 && argc != 3) || backend == nullptr) {
    std::fprintf(stderr, "usage: %s [--port NAME], NAME being %s\n", argv[0], notify::port_backend::names().c_str());
    return 2;
  }
  try {
    what(*backend);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}

}  // namespace switchboard::scenarios
