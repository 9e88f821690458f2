#pragma once

/// One of the servers that are measured in a run, and the load on it.
///
/// Threads    one.
/// Owns       both. stop() ends the load's connections first, since a server that is stopped waits for its clients.
/// Errors     std::runtime_error where the load cannot go on.

#include "load.hpp"
#include "server_process.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace switchboard::bench {

class side {
public:
  side(std::string name, server_process server, std::unique_ptr<load> on_it);
  /// Work that is done in this process: its CPU time is this thread's.
  side(std::string name, std::unique_ptr<load> here);

  const std::string& name() const noexcept { return name_; }
  load& work() noexcept { return *load_; }
  /// Nothing where the work is done here, or the server's process is not known.
  std::optional<pid_t> pid() const noexcept { return server_ ? server_->pid() : std::nullopt; }
  /// Until now, of all the server's threads; nothing where its process is not known.
  std::optional<std::chrono::nanoseconds> cpu_time() const;
  /// Ends the load and the server. False where the server did not end as it should (server_process.hpp).
  bool stop();

  std::optional<double> memory_per_connection;  ///< bytes; where the benchmark measures it

private:
  std::string name_;
  std::optional<server_process> server_;
  std::unique_ptr<load> load_;
};

}  // namespace switchboard::bench
