#include "publish_benchmark.hpp"

#include "contenders/storage.hpp"
#include "load/publish_load.hpp"
#include "measure/scratch_directory.hpp"

#include <filesystem>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

namespace switchboard::bench {
namespace {

struct publish_options {
  std::vector<std::size_t> publishers{1, 10, 100};
  std::size_t text = 64;
  schedule plan{.seconds = 3, .slices = 6};
  std::string directory = std::filesystem::temp_directory_path().string();
  std::string durability = "fsync";
};

void run_one(session& in, const publish_options& options, std::size_t publishers) {
  const scratch_directory at{options.directory};
  const bool is_synced = options.durability == "fsync";
  experiment of{.workload = "publish", .result = "publish", .plan = options.plan};
  of.parameters = {{"publishers", static_cast<double>(publishers), "publishers", ""},
                   {"text_bytes", static_cast<double>(options.text), "text", "B"},
                   {"durability", 0, "durability", "", options.durability}};
  auto process = start_program({"chat-broker", "--data", at.file("data"), "--durability", options.durability});
  auto load = std::make_unique<publish_load>(
      process.address(), publish_workload{.publishers = publishers, .text = options.text, .must_be_synced = is_synced});
  std::vector<side> sides;
  sides.emplace_back("chat-broker", std::move(process), std::move(load));
  sides.emplace_back("SQLite alone, grouped", sqlite_alone(at.file("alone"), publishers, options.text, is_synced));
  sides.emplace_back("write and fdatasync", disk_alone(at.file("synced")));
  in.run(std::move(of), std::move(sides));
}

void run(session& in, const publish_options& options) {
  for (const auto publishers : options.publishers) run_one(in, options, publishers);
}

void run_quick(session& in) {
  run(in, {.publishers = {1, 100}, .plan = {.seconds = 1.5, .slices = 3}});
}

}  // namespace

benchmark add_publish_benchmark(CLI::App& program) {
  const auto options = std::make_shared<publish_options>();
  auto* const publish = program.add_subcommand(
      "publish",
      "What does a publish cost that is answered when it is on the disk? Publishers of one room, each with one publish "
      "outstanding; beside it SQLite alone with the same inserts, as many in a transaction as there are publishers, "
      "and "
      "the disk alone: a page appended and synced. Each acknowledgement is verified, and that the room then has them "
      "all.");
  add_list_option(*publish, "--publishers", options->publishers, "How many", 1, 10'000);
  publish->add_option("--text", options->text, "Bytes of a text")->check(CLI::Range(16, 65'536))->capture_default_str();
  add_schedule_options(*publish, options->plan);
  publish->add_option("--directory", options->directory, "On the disk to measure")->capture_default_str();
  publish->add_option("--durability", options->durability, "fsync or written")
      ->check(CLI::IsMember({"fsync", "written"}))
      ->capture_default_str();
  return {publish, [options](session& in) { run(in, *options); }, run_quick};
}

}  // namespace switchboard::bench
