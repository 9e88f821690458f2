#pragma once

/// What is counted of one method's calls (framework/docs/metrics.md).
///
/// Why        made once for each method that is served, so that a call is counted without a look-up. Calls of methods
///            that are not served have one of their own: their names are a peer's bytes.
/// Threads    as metrics::counter.

#include <array>
#include <chrono>
#include <memory>
#include <string_view>

#include <switchboard/metrics/registry.hpp>
#include <switchboard/rpc/status.hpp>

namespace switchboard::rpc {

class call_metrics {
public:
  /// Stands for every method that is not served.
  static constexpr std::string_view unserved = "unserved";

  /// Counts nothing.
  call_metrics() = default;
  /// @param method  "package.Service/Method", or `unserved`.
  call_metrics(std::shared_ptr<metrics::registry> in, std::string_view method);

  void opened() const noexcept { opened_.add(); }
  /// @param how   the status code that the client got; numbers without a name count as UNKNOWN.
  /// @param took  since it was opened.
  void ended(code how, std::chrono::nanoseconds took) const noexcept;

private:
  static constexpr std::size_t codes = static_cast<std::size_t>(code::unauthenticated) + 1;

  std::shared_ptr<metrics::registry> registry_;
  metrics::counter opened_;
  std::array<metrics::counter, codes> ended_;  ///< by code
  metrics::histogram duration_;
};

}  // namespace switchboard::rpc
