#include "fanout_benchmark.hpp"

#include "measure/process_memory.hpp"

#include <cstdio>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

namespace switchboard::bench {
namespace {

struct fanout_options {
  fanout_workload workload;
  std::vector<std::size_t> members{100};
  schedule plan;
  measured_server server{.program = "chat-broker"};
  std::vector<std::string> baselines{"redis-server"};
};

side start_side(const measured_server& server, const std::string& name, const fanout_workload& workload) {
  auto process = server.open();
  auto load = std::make_unique<fanout_load>(process.address(), switchboard_dialect(), workload);
  return {name, std::move(process), std::move(load)};
}

experiment experiment_of(const fanout_options& options) {
  const auto& work = options.workload;
  experiment of{.workload = "fanout", .result = "delivery", .plan = options.plan};
  of.parameters = {{"members", static_cast<double>(work.members), "members", ""},
                   {"rooms", static_cast<double>(work.rooms), "rooms", ""},
                   {"publishers", static_cast<double>(work.publishers), "publishers", ""},
                   {"outstanding_per_publisher_and_room", static_cast<double>(work.window), "window", ""},
                   {"text_bytes", static_cast<double>(work.payload), "text", "B"},
                   {"server_threads", static_cast<double>(options.server.threads), "server threads", ""}};
  if (work.rate) {
    of.parameters.push_back({"published_per_second", *work.rate, "rate", "messages/s"});
    of.rate = *work.rate * static_cast<double>(work.members) / static_cast<double>(work.rooms);
  }
  return of;
}

double mebibytes(std::size_t bytes) {
  return static_cast<double>(bytes) / (1 << 20);
}

/// What members that read nothing cost the others, compared with the same server and those others alone.
void run_beside_unread(session& in, const fanout_options& options) {
  auto of = experiment_of(options);
  of.parameters.push_back(
      {"members_who_never_read", static_cast<double>(options.workload.unread), "never reading", ""});
  auto alone = options.workload;
  alone.unread = 0;
  std::vector<side> sides;
  sides.push_back(start_side(options.server, "with unread", options.workload));
  sides.push_back(start_side(options.server, "without", alone));
  in.run(std::move(of), std::move(sides), [](experiment& done, const std::vector<side>& ended) {
    char text[128];
    std::snprintf(text, sizeof text, "memory of the servers at the end: %.1f MiB with unread, %.1f without",
                  mebibytes(resident_bytes(ended[0].pid())), mebibytes(resident_bytes(ended[1].pid())));
    done.remarks.push_back(text);
  });
}

void run_one(session& in, const fanout_options& options) {
  in.shown.begin("fanout: connecting", 0);
  if (options.workload.unread != 0) return run_beside_unread(in, options);
  auto of = experiment_of(options);
  std::vector<side> sides;
  sides.push_back(start_side(options.server, options.server.name(), options.workload));
  add_contenders<fanout_workload>(sides, of, in, fanout_contenders(), options.baselines, options.workload,
                                  options.server.threads, [&](const std::string& program) {
                                    const measured_server other{program, options.server.threads, {}};
                                    return start_side(other, other.name() + " (baseline)", options.workload);
                                  });
  in.run(std::move(of), std::move(sides));
}

void run(session& in, fanout_options options) {
  for (const auto members : options.members) {
    options.workload.members = members;
    run_one(in, options);
  }
}

void run_quick(session& in) {
  run(in, {.workload = {.window = 64, .payload = 128}, .members = {100}, .plan = {.seconds = 2, .slices = 4}});
  run(in, {.workload = {.rooms = 50, .payload = 128}, .members = {500}, .plan = {.seconds = 2, .slices = 4}});
  run(in, {.workload = {.payload = 128, .rate = 2000}, .members = {10}, .plan = {.seconds = 2, .slices = 4}});
}

}  // namespace

benchmark add_fanout_benchmark(CLI::App& program) {
  const auto options = std::make_shared<fanout_options>();
  auto* const fanout = program.add_subcommand("fanout",
                                              "What does it cost to deliver one message to many? Publishers keep "
                                              "messages outstanding in rooms full of members, or "
                                              "publish at a fixed rate. Each delivery is verified.");
  add_list_option(*fanout, "--members", options->members, "Members in all", 1, 100'000);
  fanout->add_option("--rooms", options->workload.rooms, "Rooms that share them")
      ->check(CLI::Range(1, 4000))
      ->capture_default_str();
  fanout->add_option("--publishers", options->workload.publishers, "Publishers, each in all rooms")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  fanout
      ->add_option("--window", options->workload.window, "Outstanding messages of each publisher in each room, at most")
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
  add_rate_option(*fanout, options->workload.rate, "Messages published a second, by all publishers in all rooms");
  add_schedule_options(*fanout, options->plan);
  add_server_options(*fanout, options->server,
                     "Program to start (beside this one, unless a path) or address of a server that runs already");
  add_baseline_option(
      *fanout, options->baselines,
      "`redis-server`, `nats-server`, `mosquitto`, a chat-broker to start (of another build, say), or `none`");
  return {fanout, [options](session& in) { run(in, *options); }, run_quick};
}

}  // namespace switchboard::bench
