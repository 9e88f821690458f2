#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <system_error>

#include <sqlite3.h>

#include <switchboard/rooms/sqlite/database.hpp>

namespace switchboard::rooms::sqlite {
namespace {

/// How long a connection waits for another program that holds the database. What is longer is for a person to look at.
constexpr std::chrono::milliseconds lock_patience{1'000};

/// The codes are extended ones: what kind of failure it is they say in their lowest byte.
constexpr int primary_code = 0xff;

bool is_out_of_space(int code, int system) {
  return code == SQLITE_FULL || system == ENOSPC || system == EDQUOT || system == EFBIG;
}

/// What the system said last of the database's file or its write-ahead log; sqlite3_system_errno() knows not of all.
int last_file_error(sqlite3* handle) {
  int error = 0;
  for (const int which : {SQLITE_FCNTL_JOURNAL_POINTER, SQLITE_FCNTL_FILE_POINTER}) {
    sqlite3_file* file = nullptr;
    if (sqlite3_file_control(handle, nullptr, which, &file) != SQLITE_OK || !file || !file->pMethods) continue;
    if (file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &error) == SQLITE_OK && error != 0) return error;
  }
  return 0;
}

/// What the latest call came to: SQLite's word, and the system's, 0 where it is not the reason.
struct outcome {
  int code = SQLITE_OK;
  int system = 0;
};

outcome outcome_of(sqlite3* handle) {
  const int code = sqlite3_extended_errcode(handle) & primary_code;
  if (code != SQLITE_IOERR && code != SQLITE_FULL && code != SQLITE_CANTOPEN) return {code, 0};
  const int system = sqlite3_system_errno(handle);
  return {code, system != 0 ? system : last_file_error(handle)};
}

rpc::status status_of(sqlite3* handle) {
  const auto [code, system] = outcome_of(handle);
  if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) return {};
  std::string text = sqlite3_errmsg(handle);
  if (system != 0) text += " (" + std::generic_category().message(system) + ")";
  const bool is_damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
  return {is_damaged                      ? rpc::code::data_loss
          : is_out_of_space(code, system) ? rpc::code::resource_exhausted
                                          : rpc::code::unavailable,
          std::move(text)};
}

}  // namespace

rpc::status in_file(const std::string& path, rpc::status why) {
  if (!why.ok()) why.message = path + ": " + why.message;
  return why;
}

void database::closer::operator()(sqlite3* handle) const noexcept {
  sqlite3_close_v2(handle);
}

rpc::result<database> database::open(const std::string& path, access how) {
  sqlite3* handle = nullptr;
  const int flags = how == access::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  // The file may be no symbolic link; to SQLite none of its path may be one.
  std::error_code none;
  const std::filesystem::path named{path};
  const auto resolved = std::filesystem::weakly_canonical(named.parent_path(), none) / named.filename();
  const int code =
      sqlite3_open_v2(resolved.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, nullptr);
  if (!handle) return rpc::status{rpc::code::unavailable, "no memory for a database"};
  database opened{handle};
  if (code != SQLITE_OK) return opened.status();
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, static_cast<int>(lock_patience.count()));
  return opened;
}

rpc::status database::execute(const std::string& statements) {
  return sqlite3_exec(handle_.get(), statements.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK ? rpc::status{}
                                                                                                 : status();
}

rpc::result<std::string> database::ask(const std::string& statement) {
  sqlite3_stmt* prepared = nullptr;
  if (sqlite3_prepare_v2(handle_.get(), statement.c_str(), -1, &prepared, nullptr) != SQLITE_OK) return status();
  std::string answer;
  const int code = sqlite3_step(prepared);
  if (code == SQLITE_ROW) {
    const auto* const text = sqlite3_column_text(prepared, 0);
    if (text) answer.assign(reinterpret_cast<const char*>(text));
  }
  auto failure = code == SQLITE_ROW || code == SQLITE_DONE ? rpc::status{} : status();
  sqlite3_finalize(prepared);
  if (!failure.ok()) return failure;
  return answer;
}

void database::count_log() {
  log_pages_ = std::make_unique<std::size_t>(0);
  const auto after_commit = [](void* counted, sqlite3*, const char*, int in_log) {
    *static_cast<std::size_t*>(counted) = static_cast<std::size_t>(in_log);
    return SQLITE_OK;
  };
  sqlite3_wal_hook(handle_.get(), after_commit, log_pages_.get());
}

rpc::result<std::size_t> database::checkpoint() {
  int copied = 0;
  const int code = sqlite3_wal_checkpoint_v2(handle_.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, &copied);
  if ((code & primary_code) == SQLITE_BUSY) return std::size_t{0};
  if (code != SQLITE_OK) return status();
  return static_cast<std::size_t>(std::max(copied, 0));
}

rpc::status database::status() const {
  return status_of(handle_.get());
}

rpc::status database::refusal() const {
  auto latest = status();
  return latest.ok() ? rpc::status{rpc::code::unavailable, "the database takes no statements"} : latest;
}

bool database::failed_by_statement() const noexcept {
  switch (sqlite3_errcode(handle_.get()) & primary_code) {
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH:
      return true;
    default:
      return false;
  }
}

bool database::recover() {
  const auto [code, system] = outcome_of(handle_.get());
  const bool is_usable = code == SQLITE_BUSY || is_out_of_space(code, system);
  return is_usable && (!in_transaction() || execute("ROLLBACK").ok());
}

bool database::in_transaction() const noexcept {
  return sqlite3_get_autocommit(handle_.get()) == 0;
}

rows::~rows() {
  sqlite3_reset(statement_);
}

bool rows::next() {
  const int code = sqlite3_step(statement_);
  failed_ = code != SQLITE_ROW && code != SQLITE_DONE;
  return code == SQLITE_ROW;
}

std::uint64_t rows::integer(int column) const {
  return static_cast<std::uint64_t>(sqlite3_column_int64(statement_, column));
}

bool rows::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::string_view rows::bytes(int column) const {
  const auto* const data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

rpc::status rows::status() const {
  return failed_ ? status_of(sqlite3_db_handle(statement_)) : rpc::status{};
}

void statement::finalizer::operator()(sqlite3_stmt* handle) const noexcept {
  sqlite3_finalize(handle);
}

statement::statement(const database& in, std::string_view text) {
  sqlite3_stmt* prepared = nullptr;
  sqlite3_prepare_v3(in.handle(), text.data(), static_cast<int>(text.size()), SQLITE_PREPARE_PERSISTENT, &prepared,
                     nullptr);
  statement_.reset(prepared);
}

void statement::bind(int place, std::uint64_t value) {
  sqlite3_bind_int64(statement_.get(), place, static_cast<sqlite3_int64>(value));
}

void statement::bind(int place, std::string_view value) {
  // An empty one has no address, which SQLite would take for NULL.
  sqlite3_bind_blob64(statement_.get(), place, value.data() ? value.data() : "", value.size(), SQLITE_STATIC);
}

}  // namespace switchboard::rooms::sqlite
