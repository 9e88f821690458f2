#pragma once

/// The load of a server whose clients come and go: each connects, makes one Echo/Say call and resets its connection.
///
/// Threads    one.
/// Owns       its connections.
/// Errors     std::runtime_error where there is no going on.

#include "comparison.hpp"

#include <cstddef>
#include <memory>

#include <switchboard/net/endpoint.hpp>

namespace switchboard::bench {

class connect_load {
public:
  /// Keeps `connections` at a time.
  connect_load(const net::endpoint& server, std::size_t connections);
  ~connect_load();
  connect_load(const connect_load&) = delete;
  connect_load& operator=(const connect_load&) = delete;

  /// A result is an answered connection; its latency is from connecting to the answer.
  load_slice run(std::chrono::nanoseconds duration);

private:
  class loop;
  std::unique_ptr<loop> loop_;
};

}  // namespace switchboard::bench
