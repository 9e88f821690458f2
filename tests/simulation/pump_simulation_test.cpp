// The notification pump in simulated worlds: whatever the port does on a bad day, an owner hears once of each arm, of its
// own registration alone, and of its end; and with that, reads every byte.

#include "seeds.hpp"
#include "stepped_system.hpp"

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <caf/actor_cast.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>
#include <gtest/gtest.h>

#include <switchboard/pump/notification_pump.hpp>
#include <switchboard/simulated/world.hpp>

namespace switchboard::simulation {
namespace {

using namespace std::chrono_literals;
using net::io_outcome;
using notify::event;
using notify::interest;
using try_again = caf::atom_constant<caf::atom("tryagain")>;

/// Bytes that go through each connection.
constexpr std::size_t bytes_each = 600;

char byte_at(std::size_t place) {
  return static_cast<char>('a' + place % 26);
}

/// What a reader and its test know together.
struct account {
  std::size_t read = 0;
  std::size_t registrations = 0;
  std::vector<std::string> faults;
};

/// Reads a little at a time, and registers anew every now and then.
class reader final : public caf::event_based_actor {
public:
  reader(caf::actor_config& config, notification_pump& pump, std::unique_ptr<net::transport> from, account& into,
         std::uint64_t seed)
      : caf::event_based_actor(config), pump_(pump), from_(std::move(from)), account_(into), dice_(seed) {}

  caf::behavior make_behavior() override {
    open();
    return {
        [this](try_again) { open(); },
        [this](const socket_ready& ready) { on_ready(ready); },
        [this](const registration_closed& closed) { on_closed(closed); },
    };
  }

private:
  void open() {
    const auto made =
        pump_.open(from_->handle(), caf::actor_cast<caf::strong_actor_ptr>(this), interest::in | interest::hangup);
    if (!made) return send(this, try_again::value);
    ++account_.registrations;
    if (!ever_.insert(*made).second) account_.faults.emplace_back("a registration that was another before");
    registration_ = *made;
    armed_ = true;
    removing_ = false;
  }

  void on_ready(const socket_ready& ready) {
    if (ready.registration != registration_) {
      account_.faults.emplace_back(ever_.contains(ready.registration) ? "a word behind the last of a registration"
                                                                      : "readiness of somebody else's registration");
      return;
    }
    // One that was on its way when remove() was called.
    if (removing_) return;
    if (!std::exchange(armed_, false)) account_.faults.emplace_back("readiness without an arm");
    if (has(ready.events, event::err) || dice_.below(10) == 0) return remove();
    for (auto chunks = 1 + dice_.below(3); chunks > 0; --chunks) {
      const auto got = from_->read(std::span(chunk_).first(1 + dice_.below(chunk_.size())));
      if (got.outcome == io_outcome::would_block) break;
      if (got.outcome != io_outcome::done) {
        ended_ = true;
        return remove();
      }
      for (std::size_t each = 0; each < got.bytes; ++each)
        if (static_cast<char>(chunk_[each]) != byte_at(account_.read++)) account_.faults.emplace_back("a wrong byte");
    }
    if (pump_.arm(registration_, interest::in | interest::hangup)) return remove();
    armed_ = true;
  }

  void remove() {
    removing_ = true;
    if (const auto error = pump_.remove(registration_)) account_.faults.emplace_back("remove: " + error.message());
  }

  void on_closed(const registration_closed& closed) {
    if (closed.registration != registration_ || !removing_)
      account_.faults.emplace_back("the end of a registration that was not removed");
    registration_ = registration_id::none;
    if (!ended_) return open();
    from_ = nullptr;
    quit();
  }

  notification_pump& pump_;
  std::unique_ptr<net::transport> from_;
  account& account_;
  simulated::dice dice_;
  std::vector<std::byte> chunk_ = std::vector<std::byte>(64);
  std::set<registration_id> ever_;
  registration_id registration_ = registration_id::none;
  bool armed_ = false;
  bool removing_ = false;
  bool ended_ = false;
};

/// Writes what the reader expects, and then an end of stream.
class writer {
public:
  explicit writer(std::unique_ptr<net::transport> to) : to_(std::move(to)) {}

  bool step(simulated::dice& dice) {
    if (!to_) return false;
    std::string piece;
    for (auto left = 1 + dice.below(50); left > 0 && sent_ + piece.size() < bytes_each; --left)
      piece.push_back(byte_at(sent_ + piece.size()));
    if (piece.empty()) {
      (void)to_->shutdown_write();
      to_ = nullptr;
      return true;
    }
    const net::const_buffer buffer{piece.data(), piece.size()};
    const auto written = to_->write({&buffer, 1});
    sent_ += written.bytes;
    return written.outcome == io_outcome::done;
  }

private:
  std::unique_ptr<net::transport> to_;
  std::size_t sent_ = 0;
};

/// Some connections, whose readers share a pump. `before_it` makes the world what it is to be.
std::string run(std::uint64_t seed, const std::function<void(simulated::world&)>& before_it) {
  constexpr std::size_t connections = 5;
  constexpr int pauses_limit = 2'000;
  simulated::dice dice{seed};
  simulated::world world{dice.roll()};
  const auto pump = notification_pump::create(world.make_port());
  std::vector<account> accounts(connections);
  std::vector<writer> writers;
  stepped_system system{dice};
  auto listener = world.network().listen(net::endpoint::tcp("here", 0)).value();
  for (auto& each : accounts) {
    auto far = world.network().connect(listener->local()).value();
    auto near = listener->accept().value();
    writers.emplace_back(std::move(far));
    system.actors().spawn<reader>(*pump, std::move(near), each, dice.roll());
  }
  listener = nullptr;
  before_it(world);
  std::string fault;
  for (int pauses = 0; system.running() != 0 && fault.empty();) {
    // An end of stream that cannot be read yet is ready all the same: no wait would ever be needed for it.
    if (dice.below(50) == 0) world.advance(100us);
    bool did = writers[dice.below(connections)].step(dice);
    did |= dice.below(2) == 0 && system.run_some();
    did |= dice.below(2) == 0 && pump->serve(0ms) > 0;
    if (!did) did = system.run_some() || pump->serve(0ms) > 0;
    for (auto& each : writers) did = did || each.step(dice);
    if (did) {
      pauses = 0;
    } else if (++pauses > pauses_limit) {
      fault = "nothing happens any more\n" + world.describe();
    } else {
      pump->serve(5ms);
    }
    for (const auto& each : accounts)
      if (!each.faults.empty()) fault = each.faults.front();
    if (pump->registrations() > system.running())
      fault = std::to_string(pump->registrations()) + " slots with " + std::to_string(system.running()) + " owners";
  }
  for (const auto& each : accounts)
    if (fault.empty() && each.read != bytes_each) fault = std::to_string(each.read) + " bytes read";
  if (fault.empty() && (pump->registrations() != 0 || world.sockets() != 0)) fault = "something is left behind";
  pump->stop();
  // Readers that hang: their sockets' end is not the port's business any more.
  system.run_all();
  return fault;
}

/// As any, but that no connection breaks: there is something to count.
simulated::weather bad_day(std::uint64_t seed) {
  auto weather = weather_of(seed);
  weather.cut = 0;
  return weather;
}

TEST(PumpSimulation, TellsEachOwnerOnceOfEachArmAndOfTheEndInThousandsOfWorlds) {
  for_each_seed(2'000, [](std::uint64_t seed) {
    return run(seed, [seed](simulated::world& world) { world.change(bad_day(seed)); });
  });
}

TEST(PumpSimulation, FindsAReArmThatIsLeftOut) {
  std::string noticed;
  for (std::uint64_t seed = 1; seed <= 50 && noticed.empty(); ++seed)
    noticed = run(seed, [seed](simulated::world& world) { world.lose_rearm(seed % 20); });
  EXPECT_EQ(noticed.substr(0, 24), "nothing happens any more");
}

}  // namespace
}  // namespace switchboard::simulation
