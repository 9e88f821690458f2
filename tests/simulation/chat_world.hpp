#pragma once

/// A chat broker in a simulated world, with people who talk in its rooms.
///
/// Threads    one.
/// Owns       everything.

#include "broker_world.hpp"
#include "chat_client.hpp"
#include "chat_ledger.hpp"

#include <cstdint>
#include <map>
#include <string>

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

  /// Runs until every client has published and read everything, and the broker has ended. What went wrong, in words;
  /// empty where nothing did.
  std::string run();

  simulated::world& world() noexcept { return world_.world(); }

private:
  chat_ledger ledger_;
  broker_world world_;
  std::map<std::string, std::map<std::string, std::uint64_t>> counts_;  ///< of messages, by room and sender
};

}  // namespace switchboard::simulation
