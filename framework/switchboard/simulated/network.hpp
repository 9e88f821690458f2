#pragma once

/// The network of a simulated world, as net's seams have it.
/// Threads    any; transports and listeners one at a time.

#include <memory>

#include <switchboard/net/network.hpp>

namespace switchboard::simulated {

class fabric;

std::unique_ptr<net::network> make_network(std::shared_ptr<fabric> in);

}  // namespace switchboard::simulated
