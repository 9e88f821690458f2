#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <switchboard/rooms/sqlite/data_directory.hpp>

namespace switchboard::sqlite {
namespace {

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

/// The process that says in the lock's file that it has it.
std::string holder(int lock) {
  char text[32];
  const auto size = ::pread(lock, text, sizeof text, 0);
  return size <= 0 ? std::string() : " (process " + std::string(text, static_cast<std::size_t>(size)) + ")";
}

}  // namespace

rpc::result<data_directory> data_directory::claim(const std::filesystem::path& path) {
  std::error_code error;
  const bool made = std::filesystem::create_directory(path, error);
  if (error) return failed("cannot make", path, error.value());
  // Also one that was there: whoever made it may not have come to this, or may not let us.
  if (auto unsynced = sync_names_in(path / ".."); made && !unsynced.ok()) return unsynced;
  const auto file = path / "lock";
  const int lock = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock < 0) return failed("cannot write in", path, errno);
  data_directory claimed{path, lock};
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return failed("cannot lock", file, errno);
    return rpc::status{rpc::code::unavailable, path.string() + " is in use by another broker" + holder(lock)};
  }
  const auto self = std::to_string(::getpid());
  // For people alone: the lock holds whether or not its file says whose it is.
  if (::ftruncate(lock, 0) == 0) [[maybe_unused]]
    const auto written = ::pwrite(lock, self.data(), self.size(), 0);
  return claimed;
}

data_directory::data_directory(data_directory&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

data_directory::~data_directory() {
  if (lock_ >= 0) ::close(lock_);
}

rpc::status data_directory::sync() const {
  return sync_names_in(path_);
}

}  // namespace switchboard::sqlite
