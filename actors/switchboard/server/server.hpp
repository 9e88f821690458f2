#pragma once

/// A server program: options, log, signals, actor system, broker, from main's first line to its exit status.
///
///     int main(int argc, char** argv) {
///       switchboard::server server{"echo-server", "Answers with what it is sent.", "127.0.0.1:7000"};
///       server.add(…);
///       return server.run(argc, argv);
///     }
///
/// Threads    one: main's, before it started any other (signals are blocked for those to come).
/// Owns       everything it starts; all of it has ended when run() returns.
/// Output     standard output carries only `listening on ADDRESS` lines, flushed at once, with the actual port; the log
///            goes to standard error.
/// Figures    SIGUSR1 writes what the server counts (framework/docs/metrics.md) to standard error; with the log at level debug
///            its end does too.
/// Status     0 after a drain, 1 after a second signal or where it could not start (with one line why), 2 for bad
///            usage.

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <switchboard/actors/authenticator.hpp>
#include <switchboard/budget/ledger.hpp>
#include <switchboard/metrics/registry.hpp>
#include <switchboard/rpc/interceptor.hpp>
#include <switchboard/rpc/result.hpp>
#include <switchboard/rpc/service.hpp>
#include <switchboard/server/server_options.hpp>
#include <switchboard/server/signals.hpp>

namespace switchboard {

class server {
public:
  /// Blocks SIGTERM, SIGINT, SIGHUP and SIGUSR1. `default_listen` is used where no --listen is given.
  server(std::string program, std::string description, const std::string& default_listen);
  ~server();

  /// For options of the program's own, before run().
  server_command_line& command_line() noexcept { return command_line_; }
  /// Adds a service, before run().
  void add(rpc::service_definition service);
  /// Adds a service that is described when the options are known; where it cannot be, the status says why.
  void add(std::function<rpc::result<rpc::service_definition>()> service);

  /// This server's figures: for a service to count in, and to read.
  const std::shared_ptr<metrics::registry>& metrics() const noexcept { return figures_; }

  /// What its clients make this server hold, for a service to count in what it retains. @pre the options are known: in the
  /// function that describes a service, and later
  const std::shared_ptr<budget::ledger>& memory() const noexcept { return memory_; }

  /// See broker.
  void intercept(std::shared_ptr<rpc::interceptor> around) { interceptors_.push_back(std::move(around)); }
  void demand_authentication(actors::authenticator check) { authenticate_ = std::move(check); }

  /// Serves until a signal says to stop; returns the exit status.
  int run(int argc, const char* const* argv);

private:
  int serve();
  void report() const;
  int cannot_start(const std::string& why) const;

  std::string program_;
  termination_signals signals_;
  server_command_line command_line_;
  std::vector<std::function<rpc::result<rpc::service_definition>()>> services_;
  std::vector<std::shared_ptr<rpc::interceptor>> interceptors_;
  actors::authenticator authenticate_;
  const std::shared_ptr<metrics::registry> figures_ = std::make_shared<metrics::registry>();
  std::shared_ptr<budget::ledger> memory_;
};

}  // namespace switchboard
