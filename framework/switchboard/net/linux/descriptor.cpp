#include "descriptor.hpp"

#include <cerrno>

#include <unistd.h>

#include <switchboard/error/errc.hpp>

namespace switchboard::net {

void descriptor::reset(int number) noexcept {
  // EINTR is no reason to try again: Linux has freed the number by then, and it may already be somebody else's
  // (close(2)).
  if (number_ >= 0) ::close(number_);
  number_ = number;
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

}  // namespace switchboard::net
