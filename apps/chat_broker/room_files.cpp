#include "room_files.hpp"

#include "chat_codec.hpp"
#include "chat_names.hpp"
#include "chat_service.hpp"
#include "message_input.hpp"

#include <cstdio>
#include <future>
#include <iostream>
#include <limits>
#include <sstream>
#include <string_view>
#include <unordered_set>

#include <CLI/CLI.hpp>
#include <google/protobuf/util/delimited_message_util.h>
#include <google/protobuf/util/json_util.h>
#include <unistd.h>

#include <switchboard/rooms/sqlite_check.hpp>
#include <switchboard/rooms/sqlite_salvage.hpp>
#include <switchboard/rooms/sqlite_store.hpp>
#include <switchboard/text/printable.hpp>

namespace switchboard::chat {
namespace {

using google::protobuf::util::MessageToJsonString;

/// Messages that are read, or stored, at once.
constexpr std::size_t page_entries = 1'000;
constexpr std::size_t page_bytes = std::size_t{4} << 20;

struct command {
  std::string directory;
  std::string room;
  std::string format = "json";
  bool append = false;

  bool is_json() const { return format == "json"; }
};

/// Names of files and rooms, and what is said of an input's content, may hold anything.
int complain(const std::string& why) {
  std::fprintf(stderr, "chat-broker: %s\n", text::printable(why).c_str());
  return 1;
}

/// How far a long work has come, for a person at a terminal.
class progress {
public:
  explicit progress(std::uint64_t all) : all_(all), shown_(::isatty(STDERR_FILENO) != 0) {}
  ~progress() {
    if (shown_) std::fputc('\n', stderr);
  }
  /// Leaves the line to what is said next.
  void pause() const {
    if (shown_) std::fputc('\n', stderr);
  }
  void at(std::uint64_t done) const {
    if (!shown_) return;
    if (all_ == 0) {
      std::fprintf(stderr, "\r%llu messages", static_cast<unsigned long long>(done));
      return;
    }
    constexpr int width = 40;
    const int filled = static_cast<int>(width * done / all_);
    std::fprintf(stderr, "\r[%.*s%*s] %llu of %llu", filled, "########################################", width - filled,
                 "", static_cast<unsigned long long>(done), static_cast<unsigned long long>(all_));
  }

private:
  const std::uint64_t all_;  ///< 0: not known
  const bool shown_;
};

/// With a window that no id falls out of: how many a room remembers is for its broker to say.
rpc::result<std::shared_ptr<rooms::sqlite_store>> open(const command& wanted) {
  return rooms::sqlite_store::open(
      entry_encoder(), {.directory = wanted.directory, .dedupe_window = std::numeric_limits<std::size_t>::max()});
}

rooms::log_page read(rooms::log& from, std::uint64_t after) {
  std::promise<rooms::log_page> arrived;
  from.read({.after = after, .limit = page_entries, .bytes = page_bytes},
            [&](rooms::log_page page) { arrived.set_value(std::move(page)); });
  return arrived.get_future().get();
}

bool parse(std::string_view body, v1::ChatMessage& message) {
  return message.ParseFromArray(body.data(), static_cast<int>(body.size()));
}

// -- check ----------------------------------------------------------------------------------------------------------

int check(const command& wanted) {
  const auto report = rooms::check_sqlite(wanted.directory, [](std::string_view body) {
    v1::ChatMessage message;
    return parse(body, message) && check_message(message).ok();
  });
  if (!report) return complain(report.status().message);
  for (const auto& each : report->faults) std::fprintf(stderr, "%s\n", text::printable(each).c_str());
  for (const auto& each : report->rooms) {
    std::printf("%s: %llu to %llu", text::printable(each.name).c_str(), static_cast<unsigned long long>(each.first),
                static_cast<unsigned long long>(each.last));
    if (each.without_checksum != 0)
      std::printf(", %llu of them without a checksum", static_cast<unsigned long long>(each.without_checksum));
    std::putchar('\n');
  }
  return report->faults.empty() ? 0 : complain(wanted.directory + " is damaged");
}

// -- export ---------------------------------------------------------------------------------------------------------

/// False where the message has no such form.
bool put(const v1::ChatMessage& message, bool as_json) {
  if (!as_json) return google::protobuf::util::SerializeDelimitedToOstream(message, &std::cout) || !std::cout;
  std::string line;
  if (!MessageToJsonString(message, &line).ok()) return false;
  std::cout << line << '\n';
  return true;
}

int export_room(const command& wanted) {
  auto room = rooms::sqlite_salvage::open(wanted.directory, wanted.room);
  if (!room) return complain(room.status().message);
  bool whole = room->knows_its_ends();
  if (!whole) complain("where the room's messages begin and end cannot be read: others than those found may be lost");
  {
    const progress bar{room->last()};
    const auto write = [&](std::uint64_t sequence, std::string_view body) {
      v1::ChatMessage message;
      if (!parse(body, message)) return false;
      message.set_sequence(sequence);
      if (sequence % page_entries == 0) bar.at(sequence);
      return put(message, wanted.is_json());
    };
    const auto name_hole = [&](std::uint64_t from, std::uint64_t to) {
      whole = false;
      bar.pause();
      std::cout.flush();  // where both ways lead to one place, no message is cut in two
      complain((from == to ? "message " : "messages " + std::to_string(from) + " to ") + std::to_string(to) +
               " cannot be read");
    };
    room->read(write, name_hole);
    bar.at(room->last());
  }
  if (!std::cout.flush()) return complain("standard output takes no more");
  return whole ? 0 : 1;
}

// -- import ---------------------------------------------------------------------------------------------------------

rooms::record record_of(v1::ChatMessage& message) {
  rooms::record made;
  const auto sender = message.sender();
  if (!message.client_message_id().empty()) made.dedupe_key = sender + '\0' + message.client_message_id();
  message.clear_sequence();
  message.clear_sender();
  made.body = chat_codec{}.body(sender, message.SerializeAsString());
  return made;
}

/// How many of the records the room has already, where message `place` of the input is its message `place`; a failure where
/// it has another there.
rpc::result<std::size_t> already_there(rooms::log& room, const std::string& name, std::uint64_t place,
                                       const std::vector<rooms::record>& records) {
  static const auto encode = entry_encoder();
  std::size_t same = 0;
  while (same < records.size()) {
    const auto page = read(room, place + same - 1);
    if (!page.status.ok()) return page.status;
    if (page.entries.empty()) break;
    for (const auto& each : page.entries) {
      if (same == records.size()) break;
      const auto expected = place + same;
      if (each.sequence != expected || each.bytes.view() != encode(name, expected, records[same].body).view())
        return rpc::status{rpc::code::failed_precondition, "room " + name + " has another message " +
                                                               std::to_string(expected) +
                                                               ": --append puts messages after those it has"};
      ++same;
    }
  }
  return same;
}

std::vector<rooms::append_result> append(rooms::log& to, std::vector<rooms::record> records) {
  std::promise<std::vector<rooms::append_result>> stored;
  to.append(std::move(records), [&](auto results) { stored.set_value(std::move(results)); });
  return stored.get_future().get();
}

/// Fills a room from an input.
class room_import {
public:
  room_import(rooms::sqlite_store& into, const command& wanted) : store_(into), wanted_(wanted) {}

  /// Stores what comes, up to its end or to what is wrong with it, or with the room.
  rpc::status run(message_input& input);
  /// Messages of the input that the room has now.
  std::uint64_t taken() const noexcept { return taken_; }
  /// Those of them that it had before.
  std::uint64_t known() const noexcept { return known_; }

private:
  std::vector<rooms::record> next_records(message_input& input);
  rpc::status store(std::vector<rooms::record> records);

  rooms::sqlite_store& store_;
  const command& wanted_;
  const progress bar_{0};
  std::uint64_t taken_ = 0;
  std::uint64_t known_ = 0;
  std::unordered_set<std::string> ids_;
};

rpc::status room_import::run(message_input& input) {
  for (;;) {
    auto records = next_records(input);
    if (records.empty()) return input.fault();
    if (auto failure = store(std::move(records)); !failure.ok()) return failure;
    bar_.at(taken_);
  }
}

std::vector<rooms::record> room_import::next_records(message_input& input) {
  std::vector<rooms::record> records;
  std::size_t bytes = 0;
  v1::ChatMessage message;
  while (records.size() < page_entries && bytes < page_bytes && input.next(message)) {
    auto& made = records.emplace_back(record_of(message));
    bytes += made.body.size();
    // A room may have two messages of one id, further apart than its broker's window; its copy has both too.
    if (!wanted_.append && !made.dedupe_key.empty() && !ids_.insert(made.dedupe_key).second) made.dedupe_key.clear();
  }
  return records;
}

rpc::status room_import::store(std::vector<rooms::record> records) {
  const auto room = store_.open(wanted_.room);
  if (!wanted_.append) {
    const auto there = already_there(*room, wanted_.room, taken_ + 1, records);
    if (!there) return there.status();
    records.erase(records.begin(), records.begin() + static_cast<std::ptrdiff_t>(*there));
    taken_ += *there;
    known_ += *there;
  }
  for (auto& each : append(*room, std::move(records))) {
    if (!each.status.ok()) return std::move(each.status);
    ++taken_;
    if (each.duplicate) ++known_;
  }
  return {};
}

int import_room(const command& wanted) {
  if (const auto bad = check_room(wanted.room); !bad.ok()) return complain(bad.message);
  auto store = open(wanted);
  if (!store) return complain(store.status().message);
  if (const auto room = (*store)->find(wanted.room); room && room->extent().first > 1 && !wanted.append)
    return complain("room " + wanted.room +
                    " no longer has its first message: --append puts messages after those it has");
  message_input input{std::cin, wanted.is_json()};
  room_import work{**store, wanted};
  if (const auto failure = work.run(input); !failure.ok())
    return complain(failure.message + "; " + std::to_string(work.taken()) + " messages were taken before");
  std::printf("%llu messages, %llu of them were there already\n", static_cast<unsigned long long>(work.taken()),
              static_cast<unsigned long long>(work.known()));
  return 0;
}

// -- delete ---------------------------------------------------------------------------------------------------------

int delete_room(const command& wanted) {
  const auto removed = rooms::sqlite_store::remove(wanted.directory, wanted.room);
  return removed.ok() ? 0 : complain(removed.message);
}

}  // namespace

std::optional<int> run_room_file_command(int argc, const char* const* argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what != "check" && what != "export" && what != "import" && what != "delete") return std::nullopt;
  CLI::App program{"Looks after the rooms in a --data directory while no broker runs on it."};
  program.name("chat-broker");
  program.require_subcommand(1);
  command wanted;
  const auto add = [&](const char* name, const char* meaning) {
    auto* const added = program.add_subcommand(name, meaning);
    auto* const directory = added->add_option("--data", wanted.directory, "The directory")->required();
    // An import makes one, as a broker does.
    if (added->get_name() != "import") directory->check(CLI::ExistingDirectory);
    return added;
  };
  auto* const checking = add("check", "Verifies sequences, message ids and the database");
  auto* const exporting =
      add("export", "Writes a room's messages to standard output, from a damaged database those that can be read");
  auto* const importing =
      add("import",
          "Fills a room with the messages of standard input, in their order. Interrupted, it goes on "
          "when it is run again with the same input");
  auto* const deleting = add("delete", "Deletes a room with all its messages, for good");
  importing->add_flag("--append", wanted.append,
                      "Puts them behind the messages that the room has, but for those whose ids it knows; run again, "
                      "that appends messages without an id once more");
  for (auto* each : {exporting, importing, deleting}) each->add_option("room", wanted.room, "The room")->required();
  for (auto* each : {exporting, importing}) {
    each->add_option("--format", wanted.format, "json, one message a line, or delimited protobuf")
        ->check(CLI::IsMember({"json", "delimited"}))
        ->capture_default_str();
  }
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream help;
    std::ostringstream fault;
    const int status = program.exit(error, help, fault);
    std::cout << help.str();
    std::cerr << text::printable_lines(fault.str());
    return status == 0 ? 0 : 2;
  }
  std::ios::sync_with_stdio(false);
  if (checking->parsed()) return check(wanted);
  if (deleting->parsed()) return delete_room(wanted);
  return exporting->parsed() ? export_room(wanted) : import_room(wanted);
}

}  // namespace switchboard::chat
