#pragma once

/// A connection to an SQLite database, and its statements.
///
/// Why        what SQLite reports becomes a status once, here: RESOURCE_EXHAUSTED where space ran out, DATA_LOSS where the
///            file is damaged, else UNAVAILABLE, with words for people. Its header is included nowhere else.
/// Threads    one at a time: a connection with its statements.
/// Owns       the connection. Statements and rows must end before it.
/// Errors     statuses. The latest failure also says whether it is the statement's own, or the disk's (or the file's).

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <switchboard/rpc/result.hpp>

struct sqlite3;
struct sqlite3_stmt;

namespace switchboard::rooms::sqlite {

/// What is wrong with the file of that name, with its name; OK stays OK.
rpc::status in_file(const std::string& path, rpc::status why);

enum class access : unsigned char { read_only, read_write };

class database {
public:
  /// The file must be there, and be no symbolic link.
  static rpc::result<database> open(const std::string& path, access how);

  /// Runs statements that give no rows (rows are dropped).
  rpc::status execute(const std::string& statements);
  /// The first column of a statement's first row, as text; empty where there is no row.
  rpc::result<std::string> ask(const std::string& statement);

  /// From now on this connection makes no checkpoint after a commit, and knows what the write-ahead log has then.
  void count_log();
  /// Pages of the write-ahead log after this connection's latest commit, copied ones included; 0 before.
  std::size_t log_pages() const noexcept { return log_pages_ ? *log_pages_ : 0; }
  /// Copies into the database's file what the write-ahead log has, as far as readers allow, and waits for no other
  /// connection. How many of the log's pages are copied then; 0 where another connection makes a checkpoint.
  rpc::result<std::size_t> checkpoint();

  /// What the latest call came to.
  rpc::status status() const;
  /// Why a statement could not be prepared, as far as the latest call says.
  rpc::status refusal() const;
  /// Whether the latest failure concerns the statement alone: another one may well succeed.
  bool failed_by_statement() const noexcept;
  /// Ends the transaction where the latest call failed for want of space, or of the lock. Whether the connection is as good
  /// as before: after another failure it is not.
  bool recover();
  bool in_transaction() const noexcept;

  sqlite3* handle() const noexcept { return handle_.get(); }

private:
  struct closer {
    void operator()(sqlite3* handle) const noexcept;
  };

  explicit database(sqlite3* handle) : handle_(handle) {}

  std::unique_ptr<std::size_t> log_pages_;  ///< where it stays when the rest is moved
  std::unique_ptr<sqlite3, closer> handle_;
};

/// The rows of a running statement; they end with it.
class rows {
public:
  explicit rows(sqlite3_stmt* of) noexcept : statement_(of) {}
  ~rows();
  rows(const rows&) = delete;
  rows& operator=(const rows&) = delete;

  /// Goes to the next row; false at the end and where it fails.
  bool next();
  std::uint64_t integer(int column) const;
  bool is_null(int column) const;
  /// Until the next row.
  std::string_view bytes(int column) const;
  /// Failed where next() did.
  rpc::status status() const;

private:
  sqlite3_stmt* const statement_;
  bool failed_ = false;
};

class statement {
public:
  statement() = default;
  /// Prepared where `text` fits the tables and the disk gives them: else database::refusal() says why not.
  statement(const database& in, std::string_view text);

  /// Runs it to its end.
  template <class... Values>
  rpc::status run(const Values&... values) {
    auto running = query(values...);
    while (running.next()) {
    }
    return running.status();
  }
  /// Runs it for its rows. Values must outlive them.
  template <class... Values>
  rows query(const Values&... values) {
    int place = 0;
    (bind(++place, values), ...);
    return rows{statement_.get()};
  }
  /// Whether it could be prepared.
  explicit operator bool() const noexcept { return statement_ != nullptr; }

private:
  struct finalizer {
    void operator()(sqlite3_stmt* handle) const noexcept;
  };

  void bind(int place, std::uint64_t value);
  void bind(int place, std::string_view value);

  std::unique_ptr<sqlite3_stmt, finalizer> statement_;
};

}  // namespace switchboard::rooms::sqlite
