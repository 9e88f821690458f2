#include <algorithm>
#include <charconv>
#include <cstdio>
#include <limits>
#include <thread>

#include <CLI/CLI.hpp>

#include <switchboard/error/invariant.hpp>
#include <switchboard/server/server_options.hpp>

namespace switchboard {
namespace {

struct unit {
  std::string_view suffix;
  std::uint64_t factor;
};

constexpr unit byte_units[] = {{"G", 1024 * 1024 * 1024}, {"M", 1024 * 1024}, {"K", 1024}, {"", 1}};
constexpr unit duration_units[] = {{"ms", 1}, {"m", 60'000}, {"s", 1'000}, {"", 1'000}};

/// Digits and then one of `units`, at most `most` in all.
template <std::size_t N>
std::optional<std::uint64_t> parse_quantity(std::string_view text, const unit (&units)[N],
                                            std::uint64_t most) noexcept {
  std::uint64_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc{}) return std::nullopt;
  const std::string_view suffix = text.substr(static_cast<std::size_t>(end - text.data()));
  for (const auto& each : units) {
    if (suffix != each.suffix) continue;
    if (number > most / each.factor) return std::nullopt;
    return number * each.factor;
  }
  return std::nullopt;
}

/// How a value of each kind is written, read, and named in --help and complaints.
template <class T>
struct kind {
  const char* placeholder;
  const char* expected;
  std::optional<T> (*parse)(std::string_view);
  std::string (*text)(T);
};

std::optional<std::size_t> parse_count(std::string_view text) noexcept {
  constexpr unit only[] = {{"", 1}};
  return parse_quantity(text, only, std::numeric_limits<std::size_t>::max());
}

const kind<std::size_t> a_count{"NUMBER", "a number", [](std::string_view text) { return parse_count(text); },
                                [](std::size_t value) { return std::to_string(value); }};
const kind<std::size_t> some_bytes{"BYTES", "bytes, as 65536, 256K or 1M",
                                   [](std::string_view text) { return parse_bytes(text); },
                                   [](std::size_t value) { return to_text(value); }};
const kind<std::chrono::milliseconds> a_duration{"TIME", "a time, as 3s, 250ms or 2m",
                                                 [](std::string_view text) { return parse_duration(text); },
                                                 [](std::chrono::milliseconds value) { return to_text(value); }};

}  // namespace

struct server_command_line::parser {
  CLI::App app;
  std::vector<std::string> listen;

  template <class T>
  CLI::Option* add(const std::string& name, T& value, const std::string& meaning, const kind<T>& of) {
    const auto read = [name, &value, &of](const std::string& text) {
      const auto parsed = of.parse(text);
      if (!parsed) throw CLI::ValidationError(name, "'" + text + "' is not " + of.expected);
      value = *parsed;
    };
    return app.add_option_function<std::string>(name, read, meaning)
        ->type_name(of.placeholder)
        ->default_str(of.text(value));
  }
};

server_command_line::server_command_line(std::string program, std::string description,
                                         const std::string& default_listen)
    : parser_(std::make_unique<parser>()) {
  const auto default_endpoint = net::endpoint::parse(default_listen);
  SWITCHBOARD_INVARIANT(default_endpoint, "a program's own default must be an endpoint");
  options_.threads = std::max(1u, std::thread::hardware_concurrency());

  auto& app = parser_->app;
  app.name(std::move(program));
  app.description(std::move(description));
  app.get_formatter()->column_width(42);

  parser_->listen = {default_listen};
  // Each --listen takes one address, so that what follows is never taken for another.
  app.add_option("--listen", parser_->listen,
                 "Where to listen: host:port, [ipv6]:port or unix:/path; port 0 picks a free one")
      ->type_name("ADDRESS")
      ->default_str(default_listen)
      ->allow_extra_args(false);
  parser_->add("--threads", options_.threads, "Workers; processors of this machine unless given", a_count);
  app.add_option_function<std::string>(
         "--port",
         [this](const std::string& name) {
           options_.port = notify::port_backend::find(name);
           if (options_.port == nullptr)
             throw CLI::ValidationError("--port", "'" + name + "' is not a notification port of this system: " +
                                                      notify::port_backend::names());
         },
         "Notification port that the workers wait on: " + notify::port_backend::names())
      ->type_name("NAME")
      ->default_str(std::string(options_.port->name));
  app.add_option_function<std::string>(
         "--log-level",
         [this](const std::string& name) {
           const auto level = logging::parse_level(name);
           if (!level)
             throw CLI::ValidationError("--log-level", "'" + name + "' is not error, warn, info, debug or off");
           options_.log_level = *level;
         },
         "What is written to standard error: error, warn, info, debug or off")
      ->type_name("LEVEL")
      ->default_str("info");

  add_limit_options();
  for (auto* each : app.get_options())
    if (each->get_name() != "--help") each->group("Options of every server");

  add_check([this] {
    if (options_.threads == 0 || options_.threads > threads_max)
      return "--threads: must be 1 to " + std::to_string(threads_max);
    return std::string();
  });
  add_check([this] { return options_.limits.check(); });
}

void server_command_line::add_limit_options() {
  auto& limits = options_.limits;
  add_bytes("--memory-max", limits.memory_max,
            "What clients may make the server hold; 0: half of what the machine or its control group allows");
  add_bytes("--connection-memory-max", limits.connection_memory_max,
            "What a connection may make the server hold; calls without room wait");
  add_bytes("--frame-bytes-max", limits.link.frame_bytes_max, "Size of a frame; a larger one ends its connection");
  add_count("--open-calls-max", limits.open_calls_max, "Calls open at once on a connection");
  add_bytes("--request-bytes-in-flight-max", limits.request_bytes_in_flight_max,
            "Requests of a connection that services hold, and of calls that wait; reading stops there");
  add_bytes("--outbound-high-bytes", limits.link.outbound_high_bytes,
            "Unsent output of a connection at which its streams pause");
  add_bytes("--outbound-low-bytes", limits.link.outbound_low_bytes, "Unsent output at which they go on");
  add_count("--turn-messages-max", limits.turn_messages_max, "Messages a stream may send before others get their turn");
  add_bytes("--turn-bytes-max", limits.turn_bytes_max, "Bytes a stream may send before others get their turn");
  add_count("--connections-max", limits.connections_max, "Connections in all; 0: as many as descriptors allow");
  add_count("--connections-per-address-max", limits.connections_per_address_max,
            "Connections from one address; 0: as many as in all");
  add_duration("--handshake-timeout", limits.link.handshake_timeout, "For a connection to be made");
  add_duration("--authentication-timeout", limits.authentication_timeout,
               "For a client to authenticate, where that is demanded");
  add_duration("--idle-timeout", limits.idle_timeout, "For a client to say nothing before it is pinged; 0: no limit");
  add_duration("--peer-timeout", limits.peer_timeout,
               "For a client's system to answer nothing before it is taken for gone; 0: until the system gives up");
  add_duration("--frame-timeout", limits.link.frame_timeout, "For a client to finish a frame that it has begun");
  add_duration("--drain-timeout", limits.drain_timeout,
               "For unary calls to be answered once the server was told to stop");
  add_duration("--flush-timeout", limits.link.flush_timeout,
               "For a connection that the server ends to accept what is queued");
  add_duration("--linger", limits.link.linger, "For which input is thrown away after a connection's error");
  add_duration("--end-of-stream-flush", limits.link.end_of_stream_flush,
               "For a client that ended its stream to accept its answers");
}

server_command_line::~server_command_line() = default;

void server_command_line::add_count(const std::string& name, std::size_t& value, const std::string& meaning) {
  parser_->add(name, value, meaning, a_count);
}

void server_command_line::add_bytes(const std::string& name, std::size_t& value, const std::string& meaning) {
  parser_->add(name, value, meaning, some_bytes);
}

void server_command_line::add_duration(const std::string& name, std::chrono::milliseconds& value,
                                       const std::string& meaning) {
  parser_->add(name, value, meaning, a_duration);
}

void server_command_line::add_text(const std::string& name, std::string& value, const std::string& meaning) {
  parser_->app.add_option(name, value, meaning)->type_name("TEXT")->capture_default_str();
}

void server_command_line::add_check(std::function<std::string()> check) {
  checks_.push_back(std::move(check));
}

std::optional<int> server_command_line::parse(int argc, const char* const* argv) {
  auto& app = parser_->app;
  std::string complaint;
  try {
    app.parse(argc, argv);
    for (const auto& text : parser_->listen) {
      const auto at = net::endpoint::parse(text);
      if (!at) throw CLI::ValidationError("--listen", "'" + text + "' is not host:port, [ipv6]:port or unix:/path");
      options_.listen.push_back(*at);
    }
    for (const auto& check : checks_)
      if (complaint = check(); !complaint.empty()) break;
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);
    return 0;
  } catch (const CLI::Error& error) {
    complaint = error.what();
  }
  if (complaint.empty()) return std::nullopt;
  std::fprintf(stderr, "%s: %s (--help shows all options)\n", app.get_name().c_str(),
               logging::escaped(complaint).c_str());
  return status_bad_usage;
}

std::optional<std::size_t> parse_bytes(std::string_view text) noexcept {
  return parse_quantity(text, byte_units, std::numeric_limits<std::size_t>::max());
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) noexcept {
  // Far above any sensible timeout and far below where adding one to a time point would overflow.
  constexpr std::uint64_t longest = std::chrono::milliseconds(std::chrono::hours(24 * 365)).count();
  const auto parsed = parse_quantity(text, duration_units, longest);
  if (!parsed) return std::nullopt;
  return std::chrono::milliseconds(*parsed);
}

std::string to_text(std::size_t bytes) {
  for (const auto& each : byte_units)
    if (bytes != 0 && bytes % each.factor == 0) return std::to_string(bytes / each.factor).append(each.suffix);
  return std::to_string(bytes);
}

std::string to_text(std::chrono::milliseconds duration) {
  const auto count = duration.count();
  return count % 1'000 == 0 ? std::to_string(count / 1'000) + "s" : std::to_string(count) + "ms";
}

}  // namespace switchboard
