#include "storage.hpp"

#include <chrono>
#include <stdexcept>
#include <vector>

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

namespace switchboard::bench {
namespace {

using std::chrono::steady_clock;

/// Of a message in a room's file, beside its text.
constexpr std::size_t bytes_beside_text = 40;
constexpr std::size_t page_bytes = 4096;

/// Does `once` for that long; what is counted is what it returns.
template <class Once>
load_slice repeat(std::chrono::nanoseconds duration, Once&& once) {
  load_slice slice;
  const auto started = steady_clock::now();
  const auto until = started + duration;
  for (auto before = started; before < until;) {
    slice.results += once();
    const auto after = steady_clock::now();
    slice.latency.add(after - before);
    before = after;
  }
  slice.duration = steady_clock::now() - started;
  return slice;
}

class sqlite_inserts final : public load {
public:
  sqlite_inserts(const std::string& file, std::size_t in_a_group, std::size_t text, bool is_synced)
      : in_a_group_(in_a_group), body_(text + bytes_beside_text) {
    if (sqlite3_open(file.c_str(), &rooms_) != SQLITE_OK) throw std::runtime_error(file + ": SQLite cannot open it");
    run("PRAGMA journal_mode = WAL");
    run(is_synced ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
    run("CREATE TABLE messages (room INTEGER, sequence INTEGER, at INTEGER, body BLOB, PRIMARY KEY (room, sequence))");
    if (sqlite3_prepare_v2(rooms_, "INSERT INTO messages VALUES (1, ?, 0, zeroblob(?))", -1, &insert_, nullptr) !=
        SQLITE_OK)
      fail();
  }
  ~sqlite_inserts() override {
    sqlite3_finalize(insert_);
    sqlite3_close(rooms_);
  }

  load_slice run(std::chrono::nanoseconds duration) override {
    return repeat(duration, [&] {
      run("BEGIN IMMEDIATE");
      for (std::size_t each = 0; each < in_a_group_; ++each) {
        sqlite3_bind_int64(insert_, 1, ++sequence_);
        sqlite3_bind_int64(insert_, 2, static_cast<sqlite3_int64>(body_));
        if (sqlite3_step(insert_) != SQLITE_DONE) fail();
        sqlite3_reset(insert_);
      }
      run("COMMIT");
      return in_a_group_;
    });
  }

private:
  [[noreturn]] void fail() const { throw std::runtime_error(std::string("SQLite: ") + sqlite3_errmsg(rooms_)); }
  void run(const char* statement) {
    if (sqlite3_exec(rooms_, statement, nullptr, nullptr, nullptr) != SQLITE_OK) fail();
  }

  const std::size_t in_a_group_;
  const std::size_t body_;
  sqlite3* rooms_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  sqlite3_int64 sequence_ = 0;
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
