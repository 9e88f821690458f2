#pragma once

/// What every server program takes on its command line: where to listen, threads, the log's level, the limits.
///
/// Why        so that all server programs are run the same way, and twenty lines make one.
/// Threads    one, before the actor system exists.
/// Owns       the options. Variables that a program adds for itself must outlive parse().
/// Errors     one line on standard error and the exit status for bad usage; never an exception.
///
///     server_command_line line{"echo-server", "Answers with what it is sent.", "127.0.0.1:7000"};
///     if (const auto status = line.parse(argc, argv)) return *status;
///     …line.options()…

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <switchboard/actors/limits.hpp>
#include <switchboard/logging/logging.hpp>
#include <switchboard/net/endpoint.hpp>
#include <switchboard/notify/port_backend.hpp>

namespace switchboard {

struct server_options {
  std::vector<net::endpoint> listen;
  std::size_t threads = 1;
  /// What makes the notification port that the pump is given.
  const notify::port_backend* port = &notify::port_backend::all().front();
  logging::level log_level = logging::level::info;
  actors::limits limits{};
};

class server_command_line {
public:
  static constexpr int status_bad_usage = 2;
  /// A mistyped number must not start threads until the system gives out.
  static constexpr std::size_t threads_max = 1024;

  /// @pre `default_listen` is an endpoint.
  server_command_line(std::string program, std::string description, const std::string& default_listen);
  ~server_command_line();
  server_command_line(const server_command_line&) = delete;
  server_command_line& operator=(const server_command_line&) = delete;

  /// Options of the program's own. `name` is the whole one ("--rooms-max"); what `value` holds is the default.
  void add_count(const std::string& name, std::size_t& value, const std::string& meaning);
  void add_bytes(const std::string& name, std::size_t& value, const std::string& meaning);
  void add_duration(const std::string& name, std::chrono::milliseconds& value, const std::string& meaning);
  void add_text(const std::string& name, std::string& value, const std::string& meaning);
  /// Run when all options are read; what it returns, unless empty, is the complaint about them.
  void add_check(std::function<std::string()> check);

  /// Empty: go on. Else the status to exit with: 0 after --help, status_bad_usage after a line that said what is wrong.
  [[nodiscard]] std::optional<int> parse(int argc, const char* const* argv);
  const server_options& options() const noexcept { return options_; }

private:
  struct parser;
  void add_limit_options();

  server_options options_;
  std::vector<std::function<std::string()>> checks_;
  std::unique_ptr<parser> parser_;
};

/// "1048576", "256K", "1M", "2G", in powers of 1024; nothing for anything else.
std::optional<std::size_t> parse_bytes(std::string_view text) noexcept;
/// "3" and "3s" in seconds, "250ms", "2m"; nothing for anything else.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) noexcept;
/// The shortest text that parse_bytes() or parse_duration() reads as that value.
std::string to_text(std::size_t bytes);
std::string to_text(std::chrono::milliseconds duration);

}  // namespace switchboard
