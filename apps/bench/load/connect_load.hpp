#pragma once

/// The load of a server whose clients come and go: each connects, makes one Echo/Say call and resets its connection.
///
/// Verifies   each answer: to that call, with its payload.
/// Threads    one.
/// Owns       its connections.
/// Errors     std::runtime_error where the load cannot go on.

#include "measure/load.hpp"

#include <cstddef>
#include <memory>

#include <switchboard/net/endpoint.hpp>

namespace switchboard::bench {

struct connect_workload {
  std::size_t connections = 100;  ///< at a time
};

class connect_load final : public load {
public:
  connect_load(const net::endpoint& server, const connect_workload& workload);
  ~connect_load() override;

  /// A result is an answered connection; its latency is from connecting to the answer.
  load_slice run(std::chrono::nanoseconds duration) override;

private:
  class loop;
  std::unique_ptr<loop> loop_;
};

}  // namespace switchboard::bench
