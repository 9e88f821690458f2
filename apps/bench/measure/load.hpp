#pragma once

/// What a load client does to a server, and what it saw.
///
/// Why        every benchmark measures through this interface, so that all of them alternate, verify and report alike.
/// Threads    one.
/// Errors     run() counts what was wrong; std::runtime_error where the load cannot go on.

#include "faults.hpp"
#include "latency_histogram.hpp"

#include <chrono>
#include <cstdint>

namespace switchboard::bench {

/// What a load client saw of one server for a while.
struct load_slice {
  std::chrono::nanoseconds duration{0};  ///< from the first request to the last result
  std::uint64_t results = 0;             ///< right ones of what is counted: answers, deliveries, connections
  faults wrong;
  latency_histogram latency;   ///< of each result; at a fixed rate from the moment it was due
  latency_histogram lateness;  ///< at a fixed rate: how late the client itself was, from due to sent
};

class load {
public:
  virtual ~load() = default;

  /// Loads the server for `duration`, then waits for the last results: between slices the server has nothing to do.
  virtual load_slice run(std::chrono::nanoseconds duration) = 0;
  /// What can only be checked once all slices are over.
  virtual faults verify() { return {}; }
};

}  // namespace switchboard::bench
