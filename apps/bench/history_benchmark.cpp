#include "history_benchmark.hpp"

#include "benchmark_options.hpp"
#include "scratch_directory.hpp"
#include "server_process.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

#include <CLI/CLI.hpp>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <google/protobuf/util/delimited_message_util.h>

#include <switchboard/chat/v1/chat.client.hpp>

namespace switchboard::bench {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

/// For what takes microseconds.
constexpr auto patience = 30s;
/// Messages on their way to the reader, at most.
constexpr std::uint32_t window = 4096;
/// Messages between two looks at the broker's memory.
constexpr std::uint64_t look_every = 10'000;

struct history_options {
  std::uint32_t messages = 1'000'000;
  std::size_t text = 64;
  std::string directory;
};

double seconds_since(steady_clock::time_point start) {
  return std::chrono::duration<double>(steady_clock::now() - start).count();
}

double mebibytes(std::uintmax_t bytes) {
  return static_cast<double>(bytes) / (1 << 20);
}

/// In large batches, as a room is imported from another system.
void fill(const std::string& data, const history_options& options) {
  const auto command =
      "'" + program_beside_this("chat-broker") + "' import bench --format delimited --data '" + data + "' >/dev/null";
  std::FILE* const import = ::popen(command.c_str(), "w");
  if (import == nullptr) throw std::runtime_error("no import can be started");
  {
    google::protobuf::io::FileOutputStream out(::fileno(import));
    chat::v1::ChatMessage message;
    message.set_sender("bench");
    message.set_text(std::string(options.text, 'x'));
    for (std::uint32_t each = 0; each < options.messages; ++each)
      google::protobuf::util::SerializeDelimitedToZeroCopyStream(message, &out);
  }
  if (::pclose(import) != 0) throw std::runtime_error("the import failed");
}

std::uintmax_t bytes_in(const std::string& directory) {
  std::uintmax_t all = 0;
  for (const auto& each : std::filesystem::directory_iterator(directory)) all += each.file_size();
  return all;
}

/// Reads everything, in order; the most memory that the broker was seen with.
std::size_t read_all(const server_process& server, const history_options& options) {
  auto connection = client::channel::connect(server.address(), client::within(patience));
  if (!connection) throw std::runtime_error("no connection: " + connection.status().message);
  chat::v1::JoinRequest join;
  join.set_room("bench");
  join.set_history_limit(options.messages);
  chat::v1::Chat::stub chat{*connection};
  auto events = chat.join(join, {.window = window});
  chat::v1::RoomEvent event;
  std::size_t most = server.resident_bytes();
  for (std::uint64_t expected = 1; expected <= options.messages;) {
    if (!events.next(event, client::within(patience)).has_message())
      throw std::runtime_error("the room ends before message " + std::to_string(expected) + ": " +
                               events.status().message);
    if (!event.has_message()) continue;
    if (event.message().sequence() != expected++) throw std::runtime_error("a message is not in its place");
    if (expected % look_every == 0) most = std::max(most, server.resident_bytes());
  }
  return most;
}

int run(const history_options& options) {
  const scratch_directory at{options.directory};
  const auto data = at.file("data");
  auto started = steady_clock::now();
  fill(data, options);
  std::printf("a room of %u messages with texts of %zu B: imported in %.1f s, %.1f MiB on the disk\n", options.messages,
              options.text, seconds_since(started), mebibytes(bytes_in(data)));
  started = steady_clock::now();
  auto server = server_process::start({program_beside_this("chat-broker"), "--listen", "127.0.0.1:0", "--data", data,
                                       "--threads", "1", "--log-level", "warn"});
  std::printf("the broker listens %.0f ms after its start\n", 1000 * seconds_since(started));
  const auto before = server.resident_bytes();
  started = steady_clock::now();
  const auto most = read_all(server, options);
  const auto took = seconds_since(started);
  std::printf("one who comes late reads it all in %.1f s: %.0f messages/s\n", took, options.messages / took);
  std::printf("memory of the broker: %.1f MiB before that, at most %.1f meanwhile\n", mebibytes(before),
              mebibytes(most));
  return server.stop();
}

}  // namespace

std::function<int()> add_history_benchmark(CLI::App& program) {
  const auto options = std::make_shared<history_options>();
  options->directory = std::filesystem::temp_directory_path().string();
  auto* const history = program.add_subcommand(
      "history",
      "What does a long history cost? A room is filled by an import; then a broker is started on it, and one who comes "
      "late "
      "reads everything. Reports how soon the broker listens, messages a second, and the broker's memory.");
  history->add_option("--messages", options->messages, "In the room")
      ->check(CLI::Range(1, 1'000'000'000))
      ->capture_default_str();
  history->add_option("--text", options->text, "Bytes of a text")->check(CLI::Range(0, 65'536))->capture_default_str();
  history->add_option("--directory", options->directory, "On the disk to measure")->capture_default_str();
  return [options, history] { return history->parsed() ? run(*options) : 0; };
}

}  // namespace switchboard::bench
