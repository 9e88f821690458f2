#pragma once

/// The server that is measured: a process of its own, so that its CPU time is not the client's.
///
/// Threads    one.
/// Owns       a process it started, which ends with it (also when the benchmark is killed).
/// Errors     std::runtime_error with a message for the user: a benchmark without its server cannot go on.

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

#include <switchboard/net/endpoint.hpp>

namespace switchboard::bench {

class server_process {
public:
  /// Starts a program and waits until it says `listening on ADDRESS` on its standard output.
  static server_process start(const std::vector<std::string>& command);
  /// Starts a program that does not say where it listens, and waits until it takes connections at `address`. What it
  /// writes goes nowhere.
  static server_process start(const std::vector<std::string>& command, net::endpoint address);
  /// One that runs already. Without `pid` its CPU time is unknown.
  static server_process attach(net::endpoint address, std::optional<pid_t> pid);

  server_process(server_process&& other) noexcept;
  server_process& operator=(server_process&&) = delete;
  ~server_process();

  const net::endpoint& address() const noexcept { return address_; }
  /// User and system time of all threads until now; nothing where it is not known.
  std::optional<std::chrono::nanoseconds> cpu_time() const;
  /// Nothing where it is not known.
  std::optional<pid_t> pid() const noexcept { return pid_; }
  /// Sends SIGTERM to a process that start() made, and waits. False where it ends with a status other than 0, or has to be
  /// killed; one that SIGTERM itself ends knows no other way.
  bool stop();

private:
  server_process() = default;
  /// Of a process that start() made.
  bool has_ended() const;
  /// `descriptors`: of this process, and as what the other has them.
  static server_process spawn(const std::vector<std::string>& command,
                              const std::vector<std::pair<int, int>>& descriptors);

  net::endpoint address_;
  std::optional<pid_t> pid_;
  bool started_ = false;
};

}  // namespace switchboard::bench
