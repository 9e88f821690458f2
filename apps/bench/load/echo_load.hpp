#pragma once

/// The load: connections that make Echo/Say calls, on one thread and one epoll set. Either each keeps a number of calls
/// outstanding (a closed loop), or calls are due at a fixed rate and go to the connections in turn; one that is due while its
/// connection has all the calls outstanding that it may have waits, and its latency counts that (measure/pace.hpp).
///
/// Why        without actors and protobuf types, so that the client costs little beside the server it measures.
/// Verifies   that each answer is to a call that is outstanding, and has its payload, in which the call's number is where
///            it has 8 bytes or more. Answers may overtake one another: calls have no order.
/// Threads    one.
/// Owns       its connections.
/// Errors     std::runtime_error where the load cannot go on: no connection, no answer for `answer_timeout`, or a status
///            that ends a connection.

#include "client_connection.hpp"
#include "measure/load.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include <switchboard/net/endpoint.hpp>

namespace switchboard::bench {

struct echo_workload {
  std::size_t connections = 100;
  std::size_t outstanding = 1;  ///< calls in flight on each connection, at most
  std::size_t payload = 64;     ///< bytes
  std::size_t busy_every = 1;   ///< only each such connection carries calls; the others stay idle
  std::size_t per_address = client_connection::per_address;  ///< connections from one address of the loopback
  std::optional<double> rate;  ///< calls a second on all connections together; nothing: as many as possible
};

class echo_load final : public load {
public:
  static constexpr std::chrono::seconds answer_timeout{10};

  /// Connects all.
  echo_load(const net::endpoint& server, const echo_workload& workload);
  ~echo_load() override;

  load_slice run(std::chrono::nanoseconds duration) override;
  /// Answers to nothing that was asked.
  faults verify() override;
  /// Each connection, the idle ones too, carries its calls once. What was wrong with the answers.
  faults run_all_once();

private:
  struct connection;
  class loop;

  std::unique_ptr<loop> loop_;
};

}  // namespace switchboard::bench
