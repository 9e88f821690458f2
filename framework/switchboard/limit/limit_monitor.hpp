#pragma once

/// Makes hits of a limit visible to operators: each is counted under the limit's name and logged, the log line throttled.
///
///     limit_monitor open_calls_max{"open_calls_max", figures};
///     …
///     if (calls.size() >= limits.open_calls_max) open_calls_max.hit(peer);
///
/// Why        a limit that refuses silently is found by guessing. One type for acceptor, connections, rooms and journal,
///            so that every limit shows up in the same figure and the same form of line.
/// Threads    hit(): any.
/// Owns       its throttle; shares the registry. One for each limit of a server, not for each connection.
/// Errors     none.
/// Figure     switchboard_limit_hits_total{limit}

#include <memory>
#include <string>
#include <string_view>

#include <switchboard/logging/logging.hpp>
#include <switchboard/metrics/registry.hpp>

namespace switchboard {

class limit_monitor {
public:
  /// @param name     the limit's, one word, as the option or the constant that sets it is called.
  /// @param figures  null: hits are only logged.
  explicit limit_monitor(std::string_view name, std::shared_ptr<metrics::registry> figures = nullptr);
  /// Logs how many lines were held back last.
  ~limit_monitor();
  limit_monitor(const limit_monitor&) = delete;
  limit_monitor& operator=(const limit_monitor&) = delete;

  /// Something was refused, or had to wait, because of the limit.
  /// @param whose  for the log: a peer, a room.
  void hit(std::string_view whose) const noexcept;

  const std::string& name() const noexcept { return name_; }

private:
  const std::string name_;
  const std::shared_ptr<metrics::registry> registry_;
  metrics::counter hits_;
  mutable logging::throttle lines_;
};

}  // namespace switchboard
