#include "broker_world.hpp"

#include <algorithm>

namespace switchboard::simulation {
namespace {

using namespace std::chrono_literals;

/// How far the clock moves at most when no part can do anything.
constexpr auto pause = 5ms;
/// Pauses in a row after which nothing will ever happen again: longer than any delay of the world's or the broker's
/// takes.
constexpr int pauses_limit = 4'000;

}  // namespace

broker_world::broker_world(std::uint64_t seed, rpc::service_definition service, std::size_t service_actors_max)
    : dice_(seed),
      world_(dice_.roll()),
      pump_(notification_pump::create(world_.make_port())),
      system_(dice_),
      broker_(std::make_unique<actors::broker>(system_.actors(), pump_, actors::limits{}, world_.network())),
      service_actors_max_(service_actors_max),
      bytes_a_socket_(simulated::weather{}.send_buffer_bytes) {
  const auto wrong = broker_->add(std::move(service));
  SWITCHBOARD_INVARIANT(wrong.empty(), wrong.c_str());
  address_ = broker_->listen(net::endpoint::tcp("broker", 0)).value();
  system_.run_all();
  standing_actors_ = system_.running();
}

broker_world::~broker_world() {
  clients_.clear();
  world_.change({});
  broker_->begin_drain();
  // Whatever hung, the drain's timeout ends it. In order, without chance.
  for (int pauses = 0; !broker_->ended() || system_.running() != 0; ++pauses) {
    SWITCHBOARD_INVARIANT(pauses <= pauses_limit, "the broker's actors do not end");
    system_.run_all();
    pump_->serve(pause);
  }
  broker_ = nullptr;
  pump_->stop();
}

void broker_world::change(const simulated::weather& to) {
  world_.change(to);
  bytes_a_socket_ = to.send_buffer_bytes;
}

std::string broker_world::run(const std::function<std::string()>& fault_seen,
                              const std::function<void()>& at_their_end) {
  const auto all_done = [this] {
    return std::all_of(clients_.begin(), clients_.end(), [](const auto& each) { return each->is_done(); });
  };
  if (auto fault = run_until(all_done, fault_seen); !fault.empty()) return fault;
  at_their_end();
  if (auto fault = fault_seen(); !fault.empty()) return describe(std::move(fault));
  for (const auto& each : clients_) each->leave();
  if (const auto fault = run_until([this] { return leaks().empty(); }, fault_seen); !fault.empty())
    return leaks() + fault;
  broker_->begin_drain();
  if (auto fault = run_until([this] { return broker_->ended() && system_.running() == 0; }, fault_seen); !fault.empty())
    return fault;
  if (world_.false_words() != 0) return std::to_string(world_.false_words()) + " sockets were called drained falsely";
  return pump_->registrations() == 0 && pump_->deadlines() == 0 ? std::string() : "the pump holds something in the end";
}

std::string broker_world::run_until(const std::function<bool()>& done, const std::function<std::string()>& fault_seen) {
  for (int pauses = 0; !done();) {
    const auto moved = step();
    // The server's own timers alone go on for ever.
    if (moved == mover::client) pauses = 0;
    if (moved == mover::none) {
      if (++pauses > pauses_limit) return describe("nothing happens any more");
      pump_->serve(pause);
    }
    for (auto fault : {fault_of_clients(), fault_seen(), strays()})
      if (!fault.empty()) return describe(std::move(fault));
  }
  return {};
}

broker_world::mover broker_world::step() {
  bool did = false;
  bool clients_did = false;
  const auto first = dice_.below(clients_.size());
  for (std::size_t each = 0; each < clients_.size(); ++each) {
    clients_did |= clients_[(first + each) % clients_.size()]->step();
    if (dice_.below(4) == 0) did |= system_.run_some();
  }
  if (dice_.below(2) == 0) did |= pump_->serve(0ms) > 0;
  did |= system_.run_some();
  if (!did && !clients_did) did = pump_->serve(0ms) > 0;
  if (clients_did) return mover::client;
  return did ? mover::server : mover::none;
}

std::string broker_world::fault_of_clients() const {
  for (const auto& each : clients_)
    if (!each->faults().empty()) return each->faults().front();
  return {};
}

std::string broker_world::strays() {
  const auto actors = system_.running();
  const auto visitors = actors > standing_actors_ ? actors - standing_actors_ : 0;
  const auto theirs = static_cast<std::size_t>(
      std::count_if(clients_.begin(), clients_.end(), [](const auto& each) { return each->is_connected(); }));
  // The listener has a socket and a slot; a connection's actor has one of each until it ends, a service's has neither.
  const auto ours = world_.sockets() - theirs;
  if (pump_->registrations() > 1 + visitors)
    return std::to_string(pump_->registrations()) + " slots with " + std::to_string(visitors) + " actors";
  if (visitors > service_actors_max_ + ours)
    return std::to_string(visitors) + " actors with " + std::to_string(ours) + " sockets";
  if (world_.bytes_held() > world_.sockets() * bytes_a_socket_)
    return std::to_string(world_.bytes_held()) + " bytes in " + std::to_string(world_.sockets()) + " sockets";
  return {};
}

std::string broker_world::leaks() const {
  // The listener alone may stay. Reading all figures costs most, so it comes last.
  if (world_.sockets() == 1 && pump_->registrations() == 1 && pump_->deadlines() == 0 && world_.bytes_held() == 0 &&
      broker_->metrics()->read().value("switchboard_connections") == 0)
    return {};
  return "left behind: " + std::to_string(world_.sockets()) + " sockets, " + std::to_string(pump_->registrations()) +
         " registrations, " + std::to_string(pump_->deadlines()) + " deadlines, " +
         std::to_string(world_.bytes_held()) + " bytes\n";
}

std::string broker_world::describe(std::string fault) const {
  fault += "\n";
  for (const auto& each : clients_) fault += each->describe() + "\n";
  return fault + world_.describe();
}

}  // namespace switchboard::simulation
