#include "fanout_benchmark.hpp"

#include "benchmark_options.hpp"
#include "fanout_load.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <sstream>
#include <string>

#include <CLI/CLI.hpp>

#include <switchboard/net/network.hpp>

namespace switchboard::bench {
namespace {

struct fanout_options {
  fanout_workload workload;
  schedule plan;
  std::size_t threads = 1;
  std::string server = "chat-broker";
  std::optional<int> pid;
  std::string baseline = "redis-server";
};

std::string found_in_path(const std::string& program) {
  const char* const path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');)
    if (const auto candidate = std::filesystem::path(folder) / program; std::filesystem::exists(candidate))
      return candidate.string();
  return {};
}

/// A port that was free a moment ago: redis-server cannot be asked which it took.
net::endpoint free_endpoint() {
  auto listener = net::system_network().listen(net::endpoint::tcp("127.0.0.1", 0));
  if (!listener) throw std::runtime_error("no free port: " + listener.error().message());
  return (*listener)->local();
}

server_process start_redis(const std::string& program) {
  const auto at = free_endpoint();
  return server_process::start(
      {program, "--bind", at.host(), "--port", std::to_string(at.port()), "--save", "", "--appendonly", "no",
       "--io-threads", "1", "--logfile", "/dev/null", "--client-output-buffer-limit", "pubsub 0 0 0"},
      at);
}

/// What the chat broker is compared with.
struct opponent {
  std::string name;
  server_process process;
  std::unique_ptr<fanout_load> load;
};

/// Nothing where --baseline says so, or names a redis-server that is not installed.
std::optional<opponent> start_opponent(const fanout_options& options) {
  const auto& named = options.baseline;
  if (named == "none") return std::nullopt;
  if (short_name(named) != "redis-server") {
    opponent started{short_name(named) + " (baseline)", open_server(named, options.threads, {}), nullptr};
    started.load = std::make_unique<fanout_load>(started.process.address(), switchboard_dialect(), options.workload);
    return started;
  }
  const auto program = std::filesystem::path(named).has_parent_path() ? named : found_in_path(named);
  if (program.empty()) {
    std::fprintf(stderr, "%s is not installed: no baseline\n", named.c_str());
    return std::nullopt;
  }
  opponent started{"redis-server", start_redis(program), nullptr};
  started.load = std::make_unique<fanout_load>(started.process.address(), redis_dialect(), options.workload);
  return started;
}

double mebibytes(std::size_t bytes) {
  return static_cast<double>(bytes) / (1 << 20);
}

/// What members that read nothing cost the others, compared with the same server and those others alone.
int run_beside_unread(const fanout_options& options) {
  std::printf("fanout: %zu members who read and %zu who never do, beside the same server without the latter; ",
              options.workload.members, options.workload.unread);
  auto server = open_server(options.server, options.threads, {});
  auto undisturbed = open_server(options.server, options.threads, {});
  auto without = options.workload;
  without.unread = 0;
  auto load = std::make_unique<fanout_load>(server.address(), switchboard_dialect(), options.workload);
  auto other_load = std::make_unique<fanout_load>(undisturbed.address(), switchboard_dialect(), without);
  const auto before = server.resident_bytes();
  side measured{"with unread", server, [&](auto length) { return load->run(length); }};
  side baseline{"without", undisturbed, [&](auto length) { return other_load->run(length); }};
  const bool right = compare(measured, &baseline, options.plan, "delivery");
  std::printf("memory of the servers: %.1f MiB before the first message; %.1f with unread, %.1f without\n",
              mebibytes(before), mebibytes(server.resident_bytes()), mebibytes(undisturbed.resident_bytes()));
  load.reset();
  other_load.reset();
  return right && server.stop() == 0 && undisturbed.stop() == 0 ? 0 : 1;
}

int run(const fanout_options& options) {
  if (options.workload.unread != 0) return run_beside_unread(options);
  std::printf(
      "fanout: 1 publisher, %zu members in %zu room%s, %zu messages under way in each, %zu B text, %zu server "
      "thread%s; ",
      options.workload.members, options.workload.rooms, options.workload.rooms == 1 ? "" : "s", options.workload.window,
      options.workload.payload, options.threads, options.threads == 1 ? "" : "s");
  auto server = open_server(options.server, options.threads, options.pid);
  auto load = std::make_unique<fanout_load>(server.address(), switchboard_dialect(), options.workload);
  side measured{short_name(options.server), server, [&](auto length) { return load->run(length); }};

  auto other = start_opponent(options);
  std::optional<side> baseline;
  if (other) baseline.emplace(other->name, other->process, [&](auto length) { return other->load->run(length); });

  const bool right = compare(measured, baseline ? &*baseline : nullptr, options.plan, "delivery");
  // Before its server is stopped, which would wait for the clients to hang up.
  load.reset();
  if (other) other->load.reset();
  const int ended = server.stop();
  if (ended != 0) std::fprintf(stderr, "%s ended with status %d\n", measured.name().c_str(), ended);
  return right && ended == 0 ? 0 : 1;
}

}  // namespace

std::function<int()> add_fanout_benchmark(CLI::App& program) {
  const auto options = std::make_shared<fanout_options>();
  auto* const fanout = program.add_subcommand("fanout",
                                              "What does it cost to bring one message to many? One publisher keeps "
                                              "messages under way in rooms full of members; slices of "
                                              "the chat broker and of redis-server, where that is installed, "
                                              "alternate. Reports deliveries a second, latency, errors and "
                                              "server CPU per delivery of both, and their ratios.");
  fanout->add_option("--members", options->workload.members, "Members in all")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  fanout->add_option("--rooms", options->workload.rooms, "Rooms that share them")
      ->check(CLI::Range(1, 4000))
      ->capture_default_str();
  fanout->add_option("--window", options->workload.window, "Messages under way in each room")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  fanout->add_option("--payload", options->workload.payload, "Bytes of a text, 16 at least")
      ->check(CLI::Range(16, 65'536))
      ->capture_default_str();
  fanout
      ->add_option("--unread", options->workload.unread,
                   "Members besides those, in the first room, who take all credit and then never read: compared with "
                   "the same server without them, and with its memory")
      ->check(CLI::Range(0, 100'000))
      ->capture_default_str();
  add_schedule_options(*fanout, options->plan);
  add_server_options(*fanout, options->server, options->threads, options->pid,
                     "Program to start (beside this one, unless a path) or address of a server that runs already");
  fanout
      ->add_option("--baseline", options->baseline,
                   "`redis-server`, a chat-broker to start (of another build, say), or `none`")
      ->capture_default_str();
  return [options, fanout] { return fanout->parsed() ? run(*options) : 0; };
}

}  // namespace switchboard::bench
