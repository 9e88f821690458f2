#pragma once

/// Makes the ledger of a server's memory, which shows in the server's figures.
/// Threads    any.
/// Figures    switchboard_memory_bytes{owner}, switchboard_memory_max_bytes

#include <cstddef>
#include <memory>

#include <switchboard/budget/ledger.hpp>
#include <switchboard/metrics/registry.hpp>

namespace switchboard::actors {

/// @param total    bytes; 0: no bound
/// @param figures  null: nothing is counted
std::shared_ptr<budget::ledger> server_memory(std::size_t total, std::shared_ptr<metrics::registry> figures);

}  // namespace switchboard::actors
