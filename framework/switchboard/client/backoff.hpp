#pragma once

/// How long to wait before the next attempt: exponential with full jitter.
///
/// Why        clients that lost the same server at the same moment must not come back together: each wait is drawn
///            evenly from nothing up to a bound that doubles with every failure.
/// Threads    a value.

#include <chrono>
#include <cstdint>
#include <random>

#include <switchboard/client/deadline.hpp>

namespace switchboard::client {

class backoff {
public:
  struct bounds {
    clock::duration first = std::chrono::milliseconds{100};  ///< the bound of the first wait
    clock::duration cap = std::chrono::seconds{30};          ///< where the bound stops growing
  };

  /// Draws from the system's randomness.
  backoff() : backoff(bounds{}) {}
  explicit backoff(bounds within);
  /// The same waits for the same seed.
  backoff(bounds within, std::uint32_t seed);

  /// The wait before the next attempt: at least nothing, at most the bound.
  clock::duration next();
  /// An attempt came to something: the bound is the first one again.
  void reset() noexcept { bound_ = bounds_.first; }

private:
  bounds bounds_;
  clock::duration bound_;
  std::minstd_rand random_;
};

}  // namespace switchboard::client
