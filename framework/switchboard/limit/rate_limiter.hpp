#pragma once

/// A limit on how often each of many keys does something: a burst at once, then a steady rate.
///
/// Why        a token bucket for each key, kept as one time point, the moment at which the bucket is full again
///            (the generic cell rate algorithm, ITU-T I.371). A key whose bucket is full is forgotten.
/// Threads    one at a time.
/// Owns       a time point for each key that did something lately; none for longer than a whole burst takes to come back.
/// Errors     none: wait() says for how long there is no room.

#include <chrono>
#include <cstddef>
#include <string>
#include <unordered_map>

namespace switchboard {

struct rate {
  std::size_t burst = 0;
  std::size_t per_minute = 0;  ///< 0: no limit

  bool unlimited() const noexcept { return per_minute == 0; }
};

class rate_limiter {
public:
  using time_point = std::chrono::steady_clock::time_point;
  using duration = time_point::duration;

  explicit rate_limiter(rate within) noexcept;

  /// How long `key` has to wait before it may do it once; 0: it may now.
  duration wait(const std::string& key, time_point now) const;
  /// It does it. @pre wait() said 0
  void charge(const std::string& key, time_point now);

  std::size_t keys() const noexcept { return full_at_.size(); }

private:
  void forget_full(time_point now);

  bool unlimited_;
  duration interval_;   ///< in which one comes back
  duration tolerance_;  ///< a bucket that is full no later than this from now has one left
  std::unordered_map<std::string, time_point> full_at_;
  std::size_t forget_above_;  ///< as many keys as make it worth looking for full buckets
};

}  // namespace switchboard
