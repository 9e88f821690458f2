#pragma once

/// Two servers side by side in one run: slices of both alternate, so that what else the machine does hits both.
///
/// Threads    one.
/// Errors     std::runtime_error where the load cannot go on.

#include "latency_histogram.hpp"
#include "server_process.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace switchboard::bench {

/// What a load client saw of one server for a while.
struct load_slice {
  std::chrono::nanoseconds duration{0};  ///< from the first request to the last result
  std::uint64_t results = 0;             ///< what is counted: answers, or deliveries
  std::uint64_t errors = 0;              ///< results that were wrong
  latency_histogram latency;
};

/// One of the servers and the load on it.
class side {
public:
  using load = std::function<load_slice(std::chrono::nanoseconds)>;

  side(std::string name, const server_process& server, load run);

  /// Runs one slice that counts.
  void measure(std::chrono::nanoseconds length);
  /// Runs a slice that does not count, while caches, allocators and the processor's clock reach their steady state.
  void warm_up();

  const std::string& name() const noexcept { return name_; }
  const std::vector<double>& rates() const noexcept { return rates_; }
  const std::vector<double>& cpu_per_result() const noexcept { return cpu_per_result_; }
  std::uint64_t errors() const noexcept { return errors_; }
  const latency_histogram& latency() const noexcept { return latency_; }

private:
  std::string name_;
  const server_process* server_;
  load run_;
  std::vector<double> rates_;           // results a second, of each slice
  std::vector<double> cpu_per_result_;  // microseconds, of each slice; empty where the server's process is not known
  std::uint64_t errors_ = 0;
  latency_histogram latency_;
};

struct schedule {
  double seconds = 5;       ///< measured time of each server, in all
  std::size_t slices = 10;  ///< that this time is divided into
};

/// Measures both, or `measured` alone where there is no baseline, and prints them with their ratios. `result` names
/// what is counted. Whether all results were right.
bool compare(side& measured, side* baseline, const schedule& plan, const std::string& result);

}  // namespace switchboard::bench
