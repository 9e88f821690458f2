#include "chat_world.hpp"

#include "chat_service.hpp"

#include <caf/scheduler/test_coordinator.hpp>

#include <switchboard/actors/memory_log.hpp>

namespace switchboard::simulation {
namespace {

using namespace std::chrono_literals;

/// Messages an actor handles before another gets its turn.
constexpr std::size_t messages_per_turn = 4;
/// How far the clock moves at most when nobody can do anything.
constexpr auto pause = 5ms;
/// Pauses in a row after which nothing will ever happen again: longer than any delay of the world's or the broker's
/// takes.
constexpr int pauses_limit = 4'000;

/// The time of day is in messages, and so in their size: a run must not depend on it.
std::chrono::system_clock::time_point standing_still() {
  return std::chrono::system_clock::time_point{std::chrono::hours{24}};
}

}  // namespace

chat_world::config::config() {
  set("scheduler.policy", caf::atom("testing"));
  set("scheduler.max-throughput", messages_per_turn);
}

chat_world::chat_world(std::uint64_t seed, const chat_plan& plan)
    : dice_(seed),
      world_(dice_.roll()),
      pump_(notification_pump::create(world_.make_port())),
      system_(config_),
      rooms_(plan.rooms),
      bytes_a_socket_(plan.weather.send_buffer_bytes) {
  broker_ = std::make_unique<switchboard::broker>(system_, pump_, switchboard::limits{}, world_.network());
  const auto wrong = broker_->add(
      chat::definition(std::make_shared<memory_home>(chat::entry_encoder(), memory_limits{}), {}, standing_still));
  SWITCHBOARD_INVARIANT(wrong.empty(), wrong.c_str());
  const auto at = broker_->listen(net::endpoint::tcp("broker", 0)).value();
  static_cast<caf::scheduler::test_coordinator&>(system_.scheduler()).run();
  standing_actors_ = system_.registry().running();
  world_.change(plan.weather);
  for (std::size_t each = 0; each < plan.clients; ++each) {
    const auto room = each % plan.rooms;
    const auto people = plan.clients / plan.rooms + (room < plan.clients % plan.rooms ? 1 : 0);
    chat_role role{"client-" + std::to_string(each), "room-" + std::to_string(room), plan.messages,
                   plan.messages * people};
    clients_.push_back(std::make_unique<chat_client>(world_, at, std::move(role), dice_.roll(), ledger_));
  }
}

chat_world::~chat_world() {
  clients_.clear();
  world_.change({});
  broker_->begin_drain();
  // Whatever hung, the drain's timeout ends it.
  const auto ended = settle_until([this] { return broker_->ended() && system_.registry().running() == 0; });
  SWITCHBOARD_INVARIANT(ended, "the broker's actors do not end");
  broker_ = nullptr;
  pump_->stop();
}

std::string chat_world::run() {
  const auto all_done = [this] {
    return std::all_of(clients_.begin(), clients_.end(), [](const auto& each) { return each->is_done(); });
  };
  if (!run_until(all_done)) return describe();
  std::map<std::string, std::map<std::string, std::uint64_t>> counts;
  for (const auto& each : clients_) counts[each->role().room][each->role().name] = each->role().messages;
  for (const auto& [room, of_room] : counts) ledger_.close(room, of_room);
  for (const auto& each : clients_) each->leave();
  if (!run_until([this] { return leaks().empty(); })) return leaks() + describe();
  broker_->begin_drain();
  if (!run_until([this] { return broker_->ended() && system_.registry().running() == 0; })) return describe();
  return pump_->registrations() == 0 && pump_->deadlines() == 0 ? std::string() : "the pump holds something in the end";
}

bool chat_world::settle_until(const std::function<bool()>& done) {
  auto& jobs = static_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
  for (int pauses = 0; !done(); ++pauses) {
    if (pauses > pauses_limit) return false;
    jobs.run();
    pump_->serve(pause);
  }
  return true;
}

bool chat_world::run_until(const std::function<bool()>& done) {
  int pauses = 0;
  while (!done()) {
    if (const auto stray = strays(); !stray.empty()) ledger_.fault(stray);
    if (!ledger_.faults().empty()) return false;
    if (step()) {
      pauses = 0;
    } else {
      if (++pauses > pauses_limit) return false;
      pump_->serve(pause);
    }
  }
  return ledger_.faults().empty();
}

bool chat_world::step() {
  bool did = false;
  const auto first = dice_.below(clients_.size());
  for (std::size_t each = 0; each < clients_.size(); ++each) {
    did |= clients_[(first + each) % clients_.size()]->step();
    if (dice_.below(4) == 0) did |= run_some_jobs();
  }
  if (dice_.below(2) == 0) did |= pump_->serve(0ms) > 0;
  did |= run_some_jobs();
  if (!did) did = pump_->serve(0ms) > 0;
  return did;
}

/// Any job may be next: so the threads of a real scheduler would have it.
bool chat_world::run_some_jobs() {
  auto& coordinator = static_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
  auto& jobs = coordinator.jobs;
  if (jobs.empty()) return false;
  for (auto count = 1 + dice_.below(4); count > 0 && !jobs.empty(); --count) {
    std::swap(jobs.front(), jobs[dice_.below(jobs.size())]);
    coordinator.run_once();
  }
  return true;
}

std::string chat_world::strays() {
  const auto actors = system_.registry().running();
  const auto visitors = actors > standing_actors_ ? actors - standing_actors_ : 0;
  const auto theirs = static_cast<std::size_t>(
      std::count_if(clients_.begin(), clients_.end(), [](const auto& each) { return each->is_connected(); }));
  // The listener has a socket and a slot; a connection's actor has one of each until it ends, a room's has neither.
  const auto ours = world_.sockets() - theirs;
  if (pump_->registrations() > 1 + visitors)
    return std::to_string(pump_->registrations()) + " slots of " + std::to_string(visitors) + " connections and rooms";
  if (visitors > rooms_ + ours)
    return std::to_string(visitors) + " connections and rooms with " + std::to_string(ours) + " sockets";
  if (world_.bytes_held() > world_.sockets() * bytes_a_socket_)
    return std::to_string(world_.bytes_held()) + " bytes in " + std::to_string(world_.sockets()) + " sockets";
  return {};
}

std::string chat_world::leaks() const {
  // The listener alone may stay.
  if (broker_->statistics().connections == 0 && world_.sockets() == 1 && pump_->registrations() == 1 &&
      pump_->deadlines() == 0 && world_.bytes_held() == 0)
    return {};
  return "left behind: " + std::to_string(world_.sockets()) + " sockets, " + std::to_string(pump_->registrations()) +
         " registrations, " + std::to_string(pump_->deadlines()) + " deadlines, " +
         std::to_string(world_.bytes_held()) + " bytes\n" + world_.describe();
}

std::string chat_world::describe() const {
  std::string text;
  for (const auto& each : ledger_.faults()) text += each + "\n";
  if (text.empty()) text = "nothing happens any more\n";
  for (const auto& each : clients_) text += each->describe() + "\n";
  return text + world_.describe();
}

}  // namespace switchboard::simulation
