#include <sstream>

#include <switchboard/simulated/fabric.hpp>
#include <switchboard/simulated/network.hpp>
#include <switchboard/simulated/port.hpp>
#include <switchboard/simulated/world.hpp>

namespace switchboard::simulated {

world::world(std::uint64_t seed)
    : fabric_(std::make_shared<fabric>(seed)), network_(simulated::make_network(fabric_)) {}

world::~world() = default;

std::unique_ptr<notify::notification_port> world::make_port() {
  return simulated::make_port(fabric_);
}

void world::change(const weather& to) {
  const std::scoped_lock hold(fabric_->mutex());
  fabric_->faults().conditions() = to;
  // Buffers may have another size now.
  fabric_->sockets().for_each([&](socket& each) { fabric_->changed(each); });
}

void world::break_rule(fault which) {
  const std::scoped_lock hold(fabric_->mutex());
  fabric_->faults().break_rule(which);
}

void world::lose_rearm(std::uint64_t number) {
  const std::scoped_lock hold(fabric_->mutex());
  fabric_->faults().lose_rearm(number);
}

world::clock::time_point world::now() const {
  const std::scoped_lock hold(fabric_->mutex());
  return fabric_->time().now();
}

bool world::advance(clock::duration limit) {
  const std::scoped_lock hold(fabric_->mutex());
  const auto until = fabric_->time().now() + limit;
  const auto next = fabric_->time().next_event();
  const bool comes = next && *next <= until;
  fabric_->time().advance_to(comes ? *next : until);
  return comes;
}

void world::cut(net::socket_handle at) {
  const std::scoped_lock hold(fabric_->mutex());
  if (auto* const found = fabric_->sockets().find(at)) fabric_->streams().cut(*found);
}

bool world::is_readable(net::socket_handle at) const {
  const std::scoped_lock hold(fabric_->mutex());
  const auto* const found = fabric_->sockets().find(at);
  return found != nullptr && has(fabric_->conditions_of(*found), notify::event::in | notify::event::err);
}

std::size_t world::sockets() const {
  const std::scoped_lock hold(fabric_->mutex());
  return fabric_->sockets().size();
}

std::size_t world::registrations() const {
  const std::scoped_lock hold(fabric_->mutex());
  std::size_t count = 0;
  fabric_->sockets().for_each([&](const socket& each) { count += each.registered.port != 0; });
  return count;
}

std::size_t world::bytes_held() const {
  const std::scoped_lock hold(fabric_->mutex());
  std::size_t count = 0;
  fabric_->sockets().for_each([&](const socket& each) { count += each.unread_bytes() + each.arriving_bytes; });
  return count;
}

std::uint64_t world::rearms() const {
  const std::scoped_lock hold(fabric_->mutex());
  return fabric_->faults().rearms();
}

std::uint64_t world::false_words() const {
  const std::scoped_lock hold(fabric_->mutex());
  return fabric_->faults().false_words();
}

std::string world::describe() const {
  const std::scoped_lock hold(fabric_->mutex());
  std::ostringstream text;
  fabric_->sockets().for_each([&](const socket& each) {
    static constexpr const char* kinds[] = {"stream", "listener", "datagram"};
    static constexpr const char* states[] = {"armed", "fired", "disabled", "removing"};
    text << "socket " << static_cast<std::intptr_t>(each.name.handle) << ' ' << kinds[static_cast<int>(each.kind)]
         << (each.is_dead ? " dead" : "") << (each.end_arrived ? " ended" : "") << (each.write_shut ? " shut" : "")
         << ", peer " << each.peer.to_string() << ", unread " << each.unread_bytes() << ", arriving "
         << each.arriving_bytes << ", ready for " << static_cast<unsigned>(each.conditions);
    if (each.registered.port != 0)
      text << ", " << states[static_cast<int>(each.registered.now)] << " for "
           << static_cast<unsigned>(each.registered.filter);
    text << '\n';
  });
  return text.str();
}

}  // namespace switchboard::simulated
