#pragma once

/// What the connections of a broker share.
/// Threads    immutable once the first connection is there.

#include <memory>
#include <vector>

#include <caf/actor_control_block.hpp>

#include <switchboard/actors/authenticator.hpp>
#include <switchboard/actors/limit_hits.hpp>
#include <switchboard/actors/limits.hpp>
#include <switchboard/actors/server_memory.hpp>
#include <switchboard/actors/service_directory.hpp>
#include <switchboard/link/link_metrics.hpp>
#include <switchboard/metrics/registry.hpp>
#include <switchboard/pump/notification_pump.hpp>
#include <switchboard/rpc/interceptor.hpp>

namespace switchboard::actors {

struct connection_environment {
  std::shared_ptr<notification_pump> pump;
  std::shared_ptr<service_directory> directory;
  actors::limits limits;
  std::vector<std::shared_ptr<rpc::interceptor>> interceptors;
  actors::authenticator authenticate;          ///< null where none is demanded
  caf::strong_actor_ptr broker;                ///< gets connection_drained and connection_closed
  std::shared_ptr<metrics::registry> figures;  ///< null where nothing is counted
  link::link_metrics link_figures{};           ///< of all connections
  metrics::gauge waiting_calls{};              ///< of all connections
  /// What the clients make the server hold; unbounded unless replaced.
  std::shared_ptr<budget::ledger> memory = server_memory(0, nullptr);
  /// Shared by all connections of the server.
  std::shared_ptr<limit_hits> hits = std::make_shared<limit_hits>(nullptr);
};

}  // namespace switchboard::actors
