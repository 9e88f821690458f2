#pragma once

/// The load: connections that keep a number of Echo/Say calls outstanding each, on one thread and one epoll set.
///
/// Why        without actors and protobuf types, so that the client costs little beside the server it measures.
/// Threads    one.
/// Owns       its connections.
/// Errors     a connection that breaks or a wrong answer is counted; std::runtime_error where there is no going on (no
///            connection, no answer for `answer_timeout`).

#include "comparison.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <switchboard/net/endpoint.hpp>

namespace switchboard::bench {

struct echo_workload {
  std::size_t connections = 100;
  std::size_t outstanding = 1;  ///< calls in flight on each connection
  std::size_t payload = 64;     ///< bytes
  std::size_t busy_every = 1;   ///< only each such connection carries calls; the others stay idle
};

class echo_load {
public:
  static constexpr std::chrono::seconds answer_timeout{10};

  /// Connects all.
  echo_load(const net::endpoint& server, const echo_workload& workload);
  ~echo_load();
  echo_load(const echo_load&) = delete;
  echo_load& operator=(const echo_load&) = delete;

  /// Keeps the calls outstanding for `duration`, then waits for the last answers: between slices the server has nothing
  /// to do.
  load_slice run(std::chrono::nanoseconds duration);
  /// Each connection, the idle ones too, carries its calls once.
  void run_all_once();

private:
  struct connection;
  class loop;

  std::unique_ptr<loop> loop_;
};

}  // namespace switchboard::bench
