#include "socket_file.hpp"

#include <cerrno>

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <switchboard/error/errc.hpp>
#include <switchboard/net/system_sockets.hpp>

namespace switchboard::net {
namespace {

/// Other servers hold a folder's lock for a few system calls; a longer holder is some other program.
constexpr int lock_attempts = 100;
constexpr int lock_pause_ms = 10;

/// Excludes others that bind or remove socket files in the folder of `path`. It creates no lock file: the lock is on the
/// folder itself.
descriptor lock_folder_of(const std::string& path) noexcept {
  try {
    const auto slash = path.rfind('/');
    const auto folder = slash == path.npos ? std::string(".") : path.substr(0, slash + 1);
    descriptor lock(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (int attempt = 0; lock && attempt < lock_attempts; ++attempt) {
      if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
      ::poll(nullptr, 0, lock_pause_ms);
    }
  } catch (const std::bad_alloc&) {
    errno = ENOMEM;
    return {};
  }
  return {};
}

/// Whether no listener is left at the socket file `address`. Only a refused connection proves it: a full backlog is alive.
bool is_stale(const socket_address& address, const std::string& path) noexcept {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0 || !S_ISSOCK(found.st_mode)) return false;
  const descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  return probe && ::connect(probe.get(), address.data(), address.size) != 0 && errno == ECONNREFUSED;
}

}  // namespace

socket_file::socket_file(socket_file&& other) noexcept
    : path_(std::exchange(other.path_, {})), device_(other.device_), inode_(other.inode_) {}

socket_file& socket_file::operator=(socket_file&& other) noexcept {
  if (this != &other) {
    remove();
    path_ = std::exchange(other.path_, {});
    device_ = other.device_;
    inode_ = other.inode_;
  }
  return *this;
}

socket_file::~socket_file() {
  remove();
}

void socket_file::remove() noexcept {
  if (path_.empty()) return;
  // Without the lock the file stays: the next server to start finds it stale.
  const auto lock = lock_folder_of(path_);
  struct stat found {};
  if (lock && ::lstat(path_.c_str(), &found) == 0 && found.st_dev == device_ && found.st_ino == inode_)
    ::unlink(path_.c_str());
  path_.clear();
}

error_or<socket_file> socket_file::bind_and_listen(int socket, const socket_address& address, std::string path) {
  // Held until the socket listens, so that no other server takes a file that is bound and not yet listening for a stale one.
  const auto lock = lock_folder_of(path);
  if (!lock) return errno == EWOULDBLOCK ? std::error_code(errc::address_in_use) : system_error_code(errno);
  if (::bind(socket, address.data(), address.size) != 0) {
    if (errno != EADDRINUSE) return system_error_code(errno);
    if (!is_stale(address, path)) return errc::address_in_use;
    ::unlink(path.c_str());
    if (::bind(socket, address.data(), address.size) != 0) return system_error_code(errno);
  }
  struct stat bound {};
  if (::lstat(path.c_str(), &bound) != 0) return system_error_code(errno);
  if (::listen(socket, SOMAXCONN) != 0) {
    const auto failure = system_error_code(errno);
    ::unlink(path.c_str());
    return failure;
  }
  return socket_file(std::move(path), bound.st_dev, bound.st_ino);
}

}  // namespace switchboard::net
