#pragma once

/// How many descriptors, and so connections, this process may have.

#include <cerrno>
#include <cstddef>

#include <sys/resource.h>

#include <switchboard/error/error_or.hpp>

namespace switchboard {

/// Raises the soft limit to the hard one; the limit that now holds. Nothing else bounds the number of connections, and
/// the soft limit's usual 1,024 is for programs that use select().
inline error_or<std::size_t> raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::error_code(errno, std::system_category());
  if (limit.rlim_cur != limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return std::error_code(errno, std::system_category());
  }
  return static_cast<std::size_t>(limit.rlim_cur);
}

}  // namespace switchboard
