#pragma once

/// Servers side by side in one run: slices of all alternate, so that what else the machine does hits all of them.
///
/// Threads    one.
/// Errors     std::runtime_error where a load cannot go on.

#include "latency_histogram.hpp"
#include "progress.hpp"
#include "side.hpp"
#include "spread.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace switchboard::bench {

struct schedule {
  double seconds = 5;       ///< measured time of each server, in all
  std::size_t slices = 10;  ///< that this time is divided into

  std::chrono::nanoseconds slice_length() const noexcept;
};

/// What was measured of one server.
struct measurement {
  std::string server;
  std::vector<double> rates;           ///< results a second, of each slice
  std::vector<double> cpu_per_result;  ///< microseconds of the server's, of each slice; empty where they are not known
  std::vector<double> p50;             ///< microseconds, of each slice
  latency_histogram latency;           ///< of all slices
  latency_histogram lateness;          ///< the client's own, at a fixed rate
  std::uint64_t results = 0;
  faults wrong;
  std::optional<double> memory_per_connection;  ///< bytes
};

/// One benchmark on one set of parameters: what is measured, and what it is compared with.
struct experiment {
  struct parameter {
    std::string key;  ///< in JSON, with its unit
    double value = 0;
    std::string words;  ///< in text: what it is
    std::string unit;   ///< in text, after the value; may be empty
    std::string name;   ///< the value, where it is no number
  };

  struct absent {
    std::string server;
    std::string package;  ///< Debian's, that it is in or is built with
  };

  std::string workload;
  std::vector<parameter> parameters;
  std::string result;  ///< what is counted: "message", "delivery"
  schedule plan;
  std::vector<measurement> servers;   ///< the first is what is measured, the others what it is compared with
  std::vector<absent> missing;        ///< what it would be compared with were it installed
  std::vector<std::string> remarks;   ///< sentences below the table
  std::vector<std::string> failures;  ///< sentences too: what else than results went wrong
  std::optional<double> rate;         ///< results a second that were asked for; nothing: as many as possible
  double client_cpu = 0;              ///< of one processor

  bool all_right() const noexcept;
};

/// Looks at servers that were measured and are not stopped yet, and remarks on them.
using observation = std::function<void(experiment&, const std::vector<side>&)>;

/// Measures all, after a slice of each that does not count, and stops them.
void measure(experiment& of, std::vector<side>& sides, progress& shown, const observation& look = {});

}  // namespace switchboard::bench
