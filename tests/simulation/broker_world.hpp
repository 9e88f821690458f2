#pragma once

/// A whole broker and its clients in a simulated world, stepped on one thread from a seed: the same seed, the same run.
///
/// Threads    one.
/// Owns       everything: the world, the broker, the clients.

#include "stepped_system.hpp"
#include "wire_client.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <switchboard/actors/broker.hpp>
#include <switchboard/rpc/service_actor.hpp>
#include <switchboard/simulated/world.hpp>

namespace switchboard::simulation {

class broker_world {
public:
  /// `service_actors_max`: actors that the service makes for itself at most, once it is called.
  broker_world(std::uint64_t seed, rpc::service_definition service, std::size_t service_actors_max = 0);
  ~broker_world();
  broker_world(const broker_world&) = delete;
  broker_world& operator=(const broker_world&) = delete;

  /// The weather from now on.
  void change(const simulated::weather& to);
  void add(std::unique_ptr<wire_client> client) { clients_.push_back(std::move(client)); }

  /// Runs until every client has done what it came for, has `at_their_end` look at it all, and goes on until all have
  /// left and the broker has ended. What went wrong, in words; empty where nothing did. After each step no client may
  /// have seen a fault, `fault_seen` must find none, and no slot, actor, socket or byte may be there without its owner.
  std::string run(
      const std::function<std::string()>& fault_seen = [] { return std::string(); },
      const std::function<void()>& at_their_end = [] {});

  simulated::world& world() noexcept { return world_; }
  simulated::dice& dice() noexcept { return dice_; }
  const net::endpoint& address() const noexcept { return address_; }

private:
  /// Each part that can take a step takes one, in an order drawn from the seed. Whether any could.
  /// Who did something in a step.
  enum class mover : unsigned char { none, server, client };
  mover step();
  /// Steps until `done`, or until nothing has happened for too long. What went wrong.
  std::string run_until(const std::function<bool()>& done, const std::function<std::string()>& fault_seen);
  std::string fault_of_clients() const;
  /// What is leaked by now.
  std::string strays();
  /// What is there though every client has left.
  std::string leaks() const;
  std::string describe(std::string fault) const;

  simulated::dice dice_;
  simulated::world world_;
  const std::shared_ptr<notification_pump> pump_;
  stepped_system system_;
  std::unique_ptr<actors::broker> broker_;
  net::endpoint address_;
  const std::size_t service_actors_max_;
  std::size_t standing_actors_ = 0;  ///< that exist before any client comes
  std::size_t bytes_a_socket_;
  std::vector<std::unique_ptr<wire_client>> clients_;
};

}  // namespace switchboard::simulation
