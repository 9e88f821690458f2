#include "storage.hpp"

#include "measure/interruption.hpp"

#include <chrono>
#include <fstream>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include <switchboard/chat/v1/chat.pb.h>
#include <switchboard/rooms/sqlite/journal.hpp>
#include <switchboard/rooms/sqlite/schema.hpp>
#include <switchboard/rooms/sqlite/stored_message.hpp>
#include <switchboard/rooms/sqlite/stored_room.hpp>

namespace switchboard::bench {
namespace {

using std::chrono::steady_clock;

constexpr auto room_name = "bench";
constexpr std::size_t page_bytes = 4096;

/// Does `once` for that long; what is counted is what it returns.
template <class Once>
load_slice repeat(std::chrono::nanoseconds duration, Once&& once) {
  load_slice slice;
  const auto started = steady_clock::now();
  const auto until = started + duration;
  for (auto before = started; before < until;) {
    check_interruption();
    slice.results += once();
    const auto after = steady_clock::now();
    slice.latency.add(after - before);
    before = after;
  }
  slice.duration = steady_clock::now() - started;
  return slice;
}

/// The broker's own tables, settings and statements (switchboard/rooms/sqlite/), so that both write the same pages: without the
/// journal's queue, thread and answers, without ids, and without a client.
class sqlite_inserts final : public load {
public:
  sqlite_inserts(const std::string& file, std::size_t in_a_group, std::size_t text, bool is_synced)
      : in_a_group_(in_a_group), rooms_(made(file, is_synced)), body_(body_of(text)) {
    check(statement(rooms_, "INSERT INTO rooms (id, name, log_id, first, last, bytes) VALUES (?, ?, ?, 1, 0, 0)")
              .run(room_.number, std::string_view(room_name), std::string_view(room_.log_id)));
  }

  load_slice run(std::chrono::nanoseconds duration) override {
    return repeat(duration, [&] {
      check(begin_.run());
      for (std::size_t each = 0; each < in_a_group_; ++each) insert();
      check(set_room_.run(room_.first, room_.last, room_.bytes, checksum_of(room_name, room_), room_.number));
      check(commit_.run());
      return in_a_group_;
    });
  }

private:
  using statement = rooms::sqlite::statement;

  static void check(const rpc::status& ended) {
    if (!ended.ok()) throw std::runtime_error("SQLite: " + ended.message);
  }

  static rooms::sqlite::database made(const std::string& file, bool is_synced) {
    std::ofstream(file, std::ios::binary);
    auto opened =
        rooms::sqlite::open_for_writing(file, is_synced ? rooms::durability::fsynced : rooms::durability::written);
    if (!opened) throw std::runtime_error(file + ": " + opened.status().message);
    check(rooms::sqlite::migrate(*opened));
    return std::move(*opened);
  }

  /// As the broker stores it: a message but for its sequence.
  static std::string body_of(std::size_t text) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    chat::v1::ChatMessage message;
    message.set_sender("publisher-0");
    message.set_text(std::string(text, 'x'));
    message.mutable_sent_at()->set_seconds(std::chrono::floor<std::chrono::seconds>(now).count());
    message.mutable_sent_at()->set_nanos(static_cast<std::int32_t>((now % std::chrono::seconds(1)).count()));
    return message.SerializeAsString();
  }

  void insert() {
    const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch());
    const auto at = static_cast<std::uint64_t>(now.count());
    const std::uint64_t checksum = rooms::sqlite::checksum_of(room_name, ++room_.last, at, body_);
    check(add_message_.run(room_.number, room_.last, at, std::string_view(body_), checksum));
    room_.bytes += body_.size();
  }

  const std::size_t in_a_group_;
  rooms::sqlite::database rooms_;
  const std::string body_;
  rooms::sqlite::room_row room_{.number = 1, .log_id = std::string(16, 'x')};
  statement begin_{rooms_, "BEGIN IMMEDIATE"};
  statement add_message_{rooms_, "INSERT INTO messages (room, sequence, at, body, checksum) VALUES (?, ?, ?, ?, ?)"};
  statement set_room_{rooms_, "UPDATE rooms SET first = ?, last = ?, bytes = ?, checksum = ? WHERE id = ?"};
  statement commit_{rooms_, "COMMIT"};
};

class synced_pages final : public load {
public:
  explicit synced_pages(const std::string& file)
      : file_(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)), page_(page_bytes, 'x') {
    if (file_ < 0) throw std::runtime_error(file + ": cannot be written");
  }
  ~synced_pages() override { ::close(file_); }

  load_slice run(std::chrono::nanoseconds duration) override {
    return repeat(duration, [&]() -> std::size_t {
      if (::write(file_, page_.data(), page_.size()) < 0 || ::fdatasync(file_) != 0)
        throw std::runtime_error("the disk does not write");
      return 1;
    });
  }

private:
  const int file_;
  const std::vector<char> page_;
};

}  // namespace

std::unique_ptr<load> sqlite_alone(const std::string& file, std::size_t in_a_group, std::size_t text, bool is_synced) {
  return std::make_unique<sqlite_inserts>(file, in_a_group, text, is_synced);
}

std::unique_ptr<load> disk_alone(const std::string& file) {
  return std::make_unique<synced_pages>(file);
}

}  // namespace switchboard::bench
