#include "publish_benchmark.hpp"

#include "benchmark_options.hpp"
#include "publish_load.hpp"
#include "scratch_directory.hpp"
#include "server_process.hpp"

#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

namespace switchboard::bench {
namespace {

using std::chrono::steady_clock;

struct publish_options {
  std::vector<std::size_t> publishers{1, 10, 100};
  std::size_t text = 64;
  double seconds = 3;
  std::string directory;
  std::string durability = "fsync";
};

/// Does `once` for that long; what is counted is what it returns.
template <class Once>
load_slice repeat(double seconds, Once&& once) {
  load_slice slice;
  const auto started = steady_clock::now();
  const auto until = started + std::chrono::duration<double>(seconds);
  while (steady_clock::now() < until) {
    const auto before = steady_clock::now();
    slice.results += once();
    slice.latency.add(steady_clock::now() - before);
  }
  slice.duration = steady_clock::now() - started;
  return slice;
}

/// Appends a page to a file and syncs it.
load_slice sync_alone(const scratch_directory& at, double seconds) {
  const int file = ::open(at.file("synced").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  const std::vector<char> page(4096, 'x');
  const auto slice = repeat(seconds, [&]() -> std::size_t {
    return ::write(file, page.data(), page.size()) > 0 && ::fdatasync(file) == 0 ? 1 : 0;
  });
  ::close(file);
  return slice;
}

/// The same inserts as the broker's, by SQLite with nothing around it: as many in a transaction as there are publishers.
load_slice sqlite_alone(const scratch_directory& at, const publish_options& options, std::size_t in_a_group) {
  sqlite3* rooms = nullptr;
  const auto run = [&](const std::string& statements) {
    if (sqlite3_exec(rooms, statements.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
      throw std::runtime_error(std::string("SQLite: ") + sqlite3_errmsg(rooms));
  };
  if (sqlite3_open(at.file("alone-" + std::to_string(in_a_group)).c_str(), &rooms) != SQLITE_OK)
    throw std::runtime_error("SQLite cannot open a database");
  run(std::string("PRAGMA journal_mode = WAL; PRAGMA synchronous = ") +
      (options.durability == "fsync" ? "FULL" : "NORMAL") +
      "; CREATE TABLE messages (room INTEGER, sequence INTEGER, at INTEGER, body BLOB, PRIMARY KEY (room, sequence))");
  sqlite3_stmt* insert = nullptr;
  sqlite3_prepare_v2(rooms, "INSERT INTO messages VALUES (1, ?, 0, zeroblob(?))", -1, &insert, nullptr);
  sqlite3_int64 sequence = 0;
  const auto slice = repeat(options.seconds, [&] {
    run("BEGIN IMMEDIATE");
    for (std::size_t each = 0; each < in_a_group; ++each) {
      sqlite3_bind_int64(insert, 1, ++sequence);
      sqlite3_bind_int64(insert, 2, static_cast<sqlite3_int64>(options.text + 40));
      sqlite3_step(insert);
      sqlite3_reset(insert);
    }
    run("COMMIT");
    return in_a_group;
  });
  sqlite3_finalize(insert);
  sqlite3_close(rooms);
  return slice;
}

void print(const char* name, const load_slice& slice) {
  const auto us = [](std::chrono::nanoseconds value) {
    return std::chrono::duration<double, std::micro>(value).count();
  };
  std::printf("  %-22s %10.0f/s %9.0f us p50 %9.0f us p99 %9.0f us max\n", name,
              static_cast<double>(slice.results) / std::chrono::duration<double>(slice.duration).count(),
              us(slice.latency.quantile(0.5)), us(slice.latency.quantile(0.99)), us(slice.latency.max()));
}

int run(const publish_options& options) {
  const scratch_directory at{options.directory};
  for (const auto publishers : options.publishers) {
    auto server = server_process::start({program_beside_this("chat-broker"), "--listen", "127.0.0.1:0", "--data",
                                         at.file("data-" + std::to_string(publishers)), "--durability",
                                         options.durability, "--threads", "1", "--log-level", "warn"});
    auto load = std::make_unique<publish_load>(server.address(), publishers, options.text);
    load->run(std::chrono::milliseconds(300));
    std::printf("%zu publisher%s:\n", publishers, publishers == 1 ? "" : "s");
    print("chat-broker", load->run(std::chrono::nanoseconds(static_cast<std::int64_t>(options.seconds * 1e9))));
    print("SQLite alone, grouped", sqlite_alone(at, options, publishers));
    print("write and fdatasync", sync_alone(at, options.seconds));
    load.reset();
    server.stop();
  }
  return 0;
}

}  // namespace

std::function<int()> add_publish_benchmark(CLI::App& program) {
  const auto options = std::make_shared<publish_options>();
  options->directory = std::filesystem::temp_directory_path().string();
  auto* const publish = program.add_subcommand(
      "publish",
      "What does a publish cost that is answered when it is on the disk? Publishers of one room, each with one publish "
      "under way; then SQLite alone with the same inserts, as many in a transaction as there are publishers; then the "
      "disk alone: a page appended and synced.");
  publish->add_option("--publishers", options->publishers, "How many; several are measured one after the other")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  publish->add_option("--text", options->text, "Bytes of a text")->check(CLI::Range(0, 65'536))->capture_default_str();
  publish->add_option("--seconds", options->seconds, "Of each measurement")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  publish->add_option("--directory", options->directory, "On the disk to measure")->capture_default_str();
  publish->add_option("--durability", options->durability, "fsync or written")
      ->check(CLI::IsMember({"fsync", "written"}))
      ->capture_default_str();
  return [options, publish] { return publish->parsed() ? run(*options) : 0; };
}

}  // namespace switchboard::bench
