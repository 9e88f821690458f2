#pragma once

/// The bare loop's work by completions: io_uring receives into a buffer that each connection keeps for it.
///
/// Why        what readiness is measured against. A receive is outstanding while a connection is idle, so an idle
///            connection holds a buffer; with readiness it holds none.
/// Threads    one.
/// Errors     one line on the error stream, and 1.

#include <cstddef>

#include <switchboard/net/endpoint.hpp>

namespace switchboard::bench {

/// Says `listening on ADDRESS` and serves until it is killed. `buffer`: bytes of each connection's.
int serve_by_completions(const net::endpoint& at, std::size_t buffer);

}  // namespace switchboard::bench
