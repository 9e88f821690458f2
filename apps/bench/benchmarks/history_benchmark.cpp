#include "history_benchmark.hpp"

#include "contenders/installed.hpp"
#include "load/history_load.hpp"
#include "measure/process_memory.hpp"
#include "measure/scratch_directory.hpp"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

#include <CLI/CLI.hpp>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <google/protobuf/util/delimited_message_util.h>

#include <switchboard/chat/v1/chat.pb.h>

namespace switchboard::bench {
namespace {

using std::chrono::steady_clock;

constexpr auto room = "bench";

struct history_options {
  std::uint32_t messages = 1'000'000;
  std::size_t text = 64;
  schedule plan{.seconds = 3, .slices = 3};
  std::string directory = std::filesystem::temp_directory_path().string();
};

double seconds_since(steady_clock::time_point start) {
  return std::chrono::duration<double>(steady_clock::now() - start).count();
}

double mebibytes(std::uintmax_t bytes) {
  return static_cast<double>(bytes) / (1 << 20);
}

/// In large batches, as a room is imported from another system.
void fill(const std::string& data, const std::string& text, std::uint32_t messages) {
  const auto command = "'" + program_beside_this("chat-broker") + "' import " + room + " --format delimited --data '" +
                       data + "' >/dev/null";
  std::FILE* const import = ::popen(command.c_str(), "w");
  if (import == nullptr) throw std::runtime_error("no import can be started");
  {
    google::protobuf::io::FileOutputStream out(::fileno(import));
    chat::v1::ChatMessage message;
    message.set_sender("bench");
    message.set_text(text);
    for (std::uint32_t each = 0; each < messages; ++each)
      google::protobuf::util::SerializeDelimitedToZeroCopyStream(message, &out);
  }
  if (::pclose(import) != 0) throw std::runtime_error("the import failed");
}

std::uintmax_t bytes_in(const std::string& directory) {
  std::uintmax_t all = 0;
  for (const auto& each : std::filesystem::directory_iterator(directory)) all += each.file_size();
  return all;
}

template <class... Values>
std::string sentence(const char* format, Values... values) {
  char text[160];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

void run(session& in, const history_options& options) {
  const scratch_directory at{options.directory};
  const auto data = at.file("data");
  const std::string text(options.text, 'x');
  experiment of{.workload = "history", .result = "message", .plan = options.plan};
  of.parameters = {{"messages", static_cast<double>(options.messages), "messages", ""},
                   {"text_bytes", static_cast<double>(options.text), "text", "B"}};
  in.shown.begin("history: importing", 0);
  auto started = steady_clock::now();
  fill(data, text, options.messages);
  of.remarks.push_back(
      sentence("imported in %.1f s, %.1f MiB on the disk", seconds_since(started), mebibytes(bytes_in(data))));
  started = steady_clock::now();
  auto broker = start_program({"chat-broker", "--data", data});
  of.remarks.push_back(sentence("the broker listens %.0f ms after its start", 1000 * seconds_since(started)));
  const auto before = resident_bytes(broker.pid());
  auto load = std::make_unique<history_load>(broker.address(), room, options.messages, text, broker.pid());
  const auto& reading = *load;
  std::vector<side> sides;
  sides.emplace_back("chat-broker", std::move(broker), std::move(load));
  in.run(std::move(of), std::move(sides), [&](experiment& done, const std::vector<side>&) {
    done.remarks.push_back(sentence("memory of the broker: %.1f MiB before the first read, at most %.1f meanwhile",
                                    mebibytes(before), mebibytes(std::max(before, reading.most_resident()))));
    done.remarks.push_back("a latency is that of a whole read");
  });
}

void run_quick(session& in) {
  run(in, {.messages = 100'000, .plan = {.seconds = 1, .slices = 2}});
}

}  // namespace

benchmark add_history_benchmark(CLI::App& program) {
  const auto options = std::make_shared<history_options>();
  auto* const history = program.add_subcommand("history",
                                               "What does a long history cost? A room is filled by an import; then a "
                                               "broker is started on it, and clients that join "
                                               "late read everything. Reports how soon the broker listens, messages a "
                                               "second, and the broker's memory. Each message "
                                               "is verified.");
  history->add_option("--messages", options->messages, "In the room")
      ->check(CLI::Range(1, 1'000'000'000))
      ->capture_default_str();
  history->add_option("--text", options->text, "Bytes of a text")->check(CLI::Range(0, 65'536))->capture_default_str();
  add_schedule_options(*history, options->plan);
  history->add_option("--directory", options->directory, "On the disk to measure")->capture_default_str();
  return {history, [options](session& in) { run(in, *options); }, run_quick};
}

}  // namespace switchboard::bench
