#include <cerrno>

#include <unistd.h>

#include <switchboard/error/errc.hpp>
#include <switchboard/net/system_sockets.hpp>

namespace switchboard::net {

const int receive_whole = MSG_TRUNC;

void descriptor::reset(int number) noexcept {
  // EINTR is no reason to try again: Linux has freed the number by then, and another thread may already have it
  // (close(2)).
  if (number_ >= 0) ::close(number_);
  number_ = number;
}

std::error_code start_sockets() noexcept {
  return {};
}

int last_error() noexcept {
  return errno;
}

std::error_code system_error_code(int number) noexcept {
  switch (number) {
    case EMFILE:
    case ENFILE:
      return errc::out_of_descriptors;
    case EADDRINUSE:
      return errc::address_in_use;
    default:
      return {number, std::system_category()};
  }
}

bool is_would_block(int number) noexcept {
  // EAGAIN and EWOULDBLOCK are one number on Linux.
  return number == EAGAIN;
}

bool is_connecting(int number) noexcept {
  // EINTR as well means that connecting continues (connect(2)).
  return number == EINPROGRESS || number == EINTR;
}

descriptor open_socket(int family, int type) noexcept {
  return descriptor(::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

std::error_code set_accepted_options(int) noexcept {
  return {};
}

}  // namespace switchboard::net
