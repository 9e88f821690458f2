#pragma once

/// A whole chat broker and its clients in a simulated world, stepped on one thread from a seed: the same seed, the same
/// run.
///
/// Threads    one.
/// Owns       everything: the world, the broker, the clients.

#include "chat_client.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include <switchboard/actors/broker.hpp>
#include <switchboard/simulated/world.hpp>

namespace switchboard::simulation {

struct chat_plan {
  std::size_t clients = 6;
  std::size_t rooms = 2;
  std::uint64_t messages = 6;  ///< of each client
  simulated::weather weather;
};

class chat_world {
public:
  chat_world(std::uint64_t seed, const chat_plan& plan);
  ~chat_world();
  chat_world(const chat_world&) = delete;
  chat_world& operator=(const chat_world&) = delete;

  /// Runs until every client has published and read everything, then until all have left and the broker has ended. What
  /// went wrong, in words; empty where nothing did. After each step the ledger must be without a fault, and no slot,
  /// actor, socket or byte there without its owner.
  std::string run();

  simulated::world& world() noexcept { return world_; }

private:
  struct config : caf::actor_system_config {
    config();
  };

  /// Everybody who can does one thing, in some order. Whether anybody could.
  bool step();
  bool run_some_jobs();
  /// Steps until `done`, or until nothing has happened for too long: false.
  bool run_until(const std::function<bool()>& done);
  /// In order, without chance or clients.
  bool settle_until(const std::function<bool()>& done);
  std::string describe() const;
  std::string leaks() const;
  /// What there is now and belongs to nobody, in words.
  std::string strays();

  simulated::dice dice_;
  simulated::world world_;
  chat_ledger ledger_;
  config config_;
  const std::shared_ptr<notification_pump> pump_;
  caf::actor_system system_;
  std::unique_ptr<switchboard::broker> broker_;
  const std::size_t rooms_;
  const std::size_t bytes_a_socket_;
  std::size_t standing_actors_ = 0;  ///< that are there before anybody comes
  std::vector<std::unique_ptr<chat_client>> clients_;
};

}  // namespace switchboard::simulation
