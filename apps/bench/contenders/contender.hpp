#pragma once

/// What else a user would pick for the same work, to be measured beside Switchboard in the same run. Each is one file of this
/// folder, with a function here that describes it.
///
/// Threads    one.
/// Errors     start() throws std::runtime_error where the server does not start.

#include "load/connect_load.hpp"
#include "load/echo_load.hpp"
#include "load/fanout_load.hpp"
#include "measure/side.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace switchboard::bench {

template <class Workload>
struct contender {
  std::string name;     ///< on the command line
  bool is_here = true;  ///< whether it is installed, and was when this was built
  std::string package;  ///< Debian's, that it is in or is built with
  /// Starts its server with so many threads, where it can have several, and connects the load.
  std::function<side(const Workload&, std::size_t threads)> start;
};

/// gRPC's callback service and client; only where gRPC was installed when this was configured.
contender<echo_workload> grpc_callback();
/// redis-server's channels, without persistence. They keep no history and number nothing.
contender<fanout_workload> redis_channels();
/// nats-server's subjects, without JetStream: the same.
contender<fanout_workload> nats_subjects();
/// mosquitto's topics: the same.
contender<fanout_workload> mosquitto_topics();

/// All of a workload; the first is the one that is measured beside it unless others are asked for.
std::vector<contender<echo_workload>> echo_contenders();
std::vector<contender<connect_workload>> connect_contenders();
std::vector<contender<fanout_workload>> fanout_contenders();

}  // namespace switchboard::bench
