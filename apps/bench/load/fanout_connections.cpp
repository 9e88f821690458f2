#include "fanout_connections.hpp"

#include <array>
#include <stdexcept>

namespace switchboard::bench {
namespace {

/// Counts what is ready, before anything is published.
struct readiness final : arrivals {
  std::size_t count = 0;
  fanout_connection* from = nullptr;

  void ready() override { ++count; }
  void delivered(std::string_view) override { throw std::runtime_error("a message came before any was published"); }
  void acknowledged() override {}
  void answer(std::string_view bytes) override { from->socket.output() += bytes; }
};

}  // namespace

fanout_connections::fanout_connections(const net::endpoint& server, std::unique_ptr<fanout_dialect> dialect,
                                       const fanout_workload& workload)
    : rooms(workload.rooms),
      publishers(workload.publishers),
      members(workload.members),
      unread(workload.unread),
      dialect_(std::move(dialect)) {
  std::vector<std::string> names;
  for (auto& each : rooms) {
    each.name = "fanout." + std::to_string(names.size());
    names.push_back(each.name);
  }
  for (std::size_t number = 0; number < publishers.size(); ++number) {
    auto& made = publishers[number];
    made.says = dialect_->make_publisher(number);
    open(made, server);
    wait_for_ready(made.says->prepare(made.socket.output(), names), made);
  }
  for (std::size_t number = 0; number < members.size(); ++number) {
    auto& made = members[number];
    made.room = number % rooms.size();
    made.of_publisher.resize(publishers.size());
    ++rooms[*made.room].members;
    subscribe(made, server, *made.room);
  }
  for (auto& each : unread) {
    subscribe(each, server, 0);
    each.socket.stop_reading();
  }
}

void fanout_connections::open(fanout_connection& made, const net::endpoint& server) {
  made.reader = dialect_->make_reader();
  made.socket.open(server, ready, &made);
}

void fanout_connections::subscribe(fanout_connection& made, const net::endpoint& server, std::size_t to) {
  open(made, server);
  dialect_->subscribe(made.socket.output(), rooms[to].name);
  wait_for_ready(1, made);
}

void fanout_connections::wait_for_ready(std::size_t count, fanout_connection& on) {
  std::array<std::byte, 4096> chunk;
  readiness arrived;
  on.socket.flush();
  while (arrived.count < count) {
    const auto events = ready.wait(fanout_load::arrival_timeout);
    if (events.empty()) throw std::runtime_error("a subscription was not answered");
    for (const auto& event : events) {
      auto& from = *(arrived.from = static_cast<fanout_connection*>(event.data.ptr));
      if (event.events & ~EPOLLOUT) from.reader->feed(from.socket.read(chunk), arrived);
      from.socket.flush();
    }
  }
}

}  // namespace switchboard::bench
