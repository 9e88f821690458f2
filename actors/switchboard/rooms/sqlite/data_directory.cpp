#include <cerrno>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <switchboard/rooms/sqlite/data_directory.hpp>
#include <switchboard/rooms/sqlite/database.hpp>
#include <switchboard/rooms/sqlite/schema.hpp>

namespace switchboard::rooms::sqlite {
namespace {

constexpr mode_t directory_mode = 0700;
constexpr mode_t file_mode = 0600;

rpc::status failed(const std::string& what, const std::filesystem::path& path, int error) {
  return {rpc::code::unavailable, what + " " + path.string() + ": " + std::generic_category().message(error)};
}

rpc::status sync_names_in(const std::filesystem::path& path) {
  const int directory = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return failed("cannot open", path, errno);
  const int error = ::fsync(directory) == 0 ? 0 : errno;
  ::close(directory);
  return error == 0 ? rpc::status{} : failed("cannot sync", path, error);
}

/// What a lock's file says: the process that has or had it, or nothing yet. Nothing is returned for what no broker wrote.
std::optional<std::string> holder_in(int lock) {
  char text[32];
  const auto size = ::pread(lock, text, sizeof text, 0);
  if (size < 0 || size == sizeof text) return std::nullopt;
  std::string process(text, static_cast<std::size_t>(size));
  if (process.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  return process;
}

rpc::status not_ours(const std::filesystem::path& file) {
  return {rpc::code::unavailable, file.string() + " is not a file of ours: it is left as it is"};
}

/// Refuses what is there under a name of a file of ours and is none: to write to it, or through it, would harm others.
rpc::status refuse_foreign_files(const std::filesystem::path& directory) {
  for (const auto* name : {database_name, "rooms.db-wal", "rooms.db-shm", "rooms.db-journal"}) {
    const auto file = directory / name;
    struct stat found {};
    if (::lstat(file.c_str(), &found) != 0) {
      if (errno == ENOENT) continue;
      return failed("cannot look at", file, errno);
    }
    if (!S_ISREG(found.st_mode) || found.st_uid != ::geteuid()) return not_ours(file);
  }
  return {};
}

/// @pre no database of this process has the file open: to close it gives up all locks that the process has on it.
rpc::status refuse_foreign_database(const std::filesystem::path& file) {
  const int opened = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (opened < 0) return errno == ENOENT ? rpc::status{} : failed("cannot open", file, errno);
  char header[header_bytes];
  const auto size = ::pread(opened, header, sizeof header, 0);
  const int error = size < 0 ? errno : 0;
  ::close(opened);
  if (error != 0) return failed("cannot read", file, error);
  return in_file(file.string(), refuse_foreign(std::string_view(header, static_cast<std::size_t>(size))));
}

}  // namespace

rpc::result<data_directory> data_directory::claim(const std::filesystem::path& path) {
  // The umask takes rights away at most.
  const bool made = ::mkdir(path.c_str(), directory_mode) == 0;
  if (!made && errno != EEXIST) return failed("cannot make", path, errno);
  // Also one that was there: the process that made it may not have come to this, or the parent may not be readable.
  if (auto unsynced = sync_names_in(path / ".."); made && !unsynced.ok()) return unsynced;
  if (auto foreign = refuse_foreign_files(path); !foreign.ok()) return foreign;
  const auto file = path / "lock";
  constexpr int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;  // sign() overwrites the file
  int lock = ::open(file.c_str(), flags);
  if (lock < 0 && errno == ENOENT) {
    // No broker was ever here: what is there may be another program's, and gets no lock.
    if (auto foreign = refuse_foreign_database(path / database_name); !foreign.ok()) return foreign;
    lock = ::open(file.c_str(), flags | O_CREAT, file_mode);
  }
  if (lock < 0 && errno == ELOOP) return not_ours(file);
  if (lock < 0) return failed("cannot write in", path, errno);
  data_directory claimed{path, lock};
  struct stat found {};
  if (::fstat(lock, &found) != 0) return failed("cannot look at", file, errno);
  if (!S_ISREG(found.st_mode) || found.st_uid != ::geteuid() || found.st_nlink != 1) return not_ours(file);
  const auto holder = holder_in(lock);
  if (!holder) return not_ours(file);
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return failed("cannot lock", file, errno);
    return rpc::status{rpc::code::unavailable, path.string() + " is in use by another broker" +
                                                   (holder->empty() ? "" : " (process " + *holder + ")")};
  }
  if (auto foreign = refuse_foreign_database(path / database_name); !foreign.ok()) return foreign;
  return claimed;
}

void data_directory::sign() const noexcept {
  const auto self = std::to_string(::getpid());
  if (::ftruncate(lock_, 0) == 0) [[maybe_unused]]
    const auto written = ::pwrite(lock_, self.data(), self.size(), 0);
}

data_directory::data_directory(data_directory&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

data_directory::~data_directory() {
  if (lock_ >= 0) ::close(lock_);
}

rpc::status data_directory::make_file(const std::string& name) const {
  const auto file = path_ / name;
  const int made = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, file_mode);
  if (made < 0) return errno == EEXIST ? rpc::status{} : failed("cannot make", file, errno);
  ::close(made);
  return {};
}

std::vector<std::filesystem::path> data_directory::exposed() const {
  std::vector<std::filesystem::path> found;
  const auto look_at = [&](const std::filesystem::path& each) {
    struct stat of {};
    if (::stat(each.c_str(), &of) == 0 && (of.st_mode & ~directory_mode & 0777) != 0) found.push_back(each);
  };
  look_at(path_);
  std::error_code none;
  for (const auto& each : std::filesystem::directory_iterator(path_, none)) look_at(each.path());
  return found;
}

rpc::status data_directory::sync() const {
  return sync_names_in(path_);
}

}  // namespace switchboard::rooms::sqlite
