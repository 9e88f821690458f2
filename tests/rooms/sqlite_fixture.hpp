#pragma once

/// A database of rooms in a directory of its own, for tests; records' bodies are their entries.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <switchboard/rooms/sqlite_store.hpp>

namespace switchboard::rooms {

inline wire::shared_bytes body_alone(const std::string&, std::uint64_t, const std::string& body) {
  return wire::shared_bytes{body};
}

/// With a connection of its own to the database.
class another_program {
public:
  explicit another_program(const std::filesystem::path& database) {
    EXPECT_EQ(sqlite3_open(database.c_str(), &handle_), SQLITE_OK);
  }
  ~another_program() { sqlite3_close(handle_); }
  another_program(const another_program&) = delete;
  another_program& operator=(const another_program&) = delete;

  void run(const std::string& statements) {
    EXPECT_EQ(sqlite3_exec(handle_, statements.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(handle_);
  }

  /// The number that a statement gives.
  int ask(const std::string& statement) {
    int number = 0;
    const auto take = [](void* into, int, char** columns, char**) {
      *static_cast<int*>(into) = std::atoi(columns[0]);
      return 0;
    };
    EXPECT_EQ(sqlite3_exec(handle_, statement.c_str(), take, &number, nullptr), SQLITE_OK) << sqlite3_errmsg(handle_);
    return number;
  }

private:
  sqlite3* handle_ = nullptr;
};

/// A directory with a store's database, and what tests do with both.
class SqliteDirectory : public testing::Test {
protected:
  SqliteDirectory() {
    auto name = (std::filesystem::temp_directory_path() / "switchboard-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
  }
  ~SqliteDirectory() override { std::filesystem::remove_all(directory_); }

  rpc::result<std::shared_ptr<sqlite_store>> try_open(sqlite_options options = {}) {
    options.directory = directory_ / "data";
    return sqlite_store::open(body_alone, options);
  }
  std::shared_ptr<sqlite_store> open(sqlite_options options = {}) {
    auto opened = try_open(std::move(options));
    EXPECT_TRUE(opened) << opened.status().message;
    return opened ? std::move(*opened) : nullptr;
  }
  std::filesystem::path database() const { return directory_ / "data" / "rooms.db"; }

  static std::future<std::vector<append_result>> begin_append(log& to, std::vector<record> records) {
    auto promise = std::make_shared<std::promise<std::vector<append_result>>>();
    auto results = promise->get_future();
    to.append(std::move(records), [promise](auto stored) { promise->set_value(std::move(stored)); });
    return results;
  }
  static std::vector<append_result> append(log& to, std::vector<record> records) {
    return begin_append(to, std::move(records)).get();
  }
  static append_result append(log& to, std::string body, std::string key = {}) {
    return append(to, std::vector{record{std::move(body), std::move(key)}}).at(0);
  }
  static log_page read(log& from, std::uint64_t after, std::size_t limit = 1000, std::size_t bytes = 1'000'000) {
    std::promise<log_page> promise;
    from.read({.after = after, .limit = limit, .bytes = bytes},
              [&](log_page page) { promise.set_value(std::move(page)); });
    return promise.get_future().get();
  }
  static std::string bodies(const log_page& page) {
    std::string all;
    for (const auto& each : page.entries) all += std::to_string(each.sequence) + std::string(each.bytes.view()) + " ";
    return all;
  }
  static std::string content_of(const std::filesystem::path& file) {
    std::ifstream from(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(from), {}};
  }
  /// What another program does with the database.
  void run_sql(const std::string& statements) { another_program{database()}.run(statements); }

  std::filesystem::path directory_;
};

}  // namespace switchboard::rooms
