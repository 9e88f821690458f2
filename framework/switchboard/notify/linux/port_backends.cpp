#include <array>

#include <switchboard/notify/epoll_port.hpp>
#include <switchboard/notify/io_uring_port.hpp>
#include <switchboard/notify/port_backend.hpp>

namespace switchboard::notify {

std::span<const port_backend> port_backend::all() noexcept {
  static constexpr std::array backends{
      port_backend{"epoll", "Linux", make_epoll_port},
      port_backend{
          "io_uring",
          "Linux 6.0 or newer, and neither the sysctl kernel.io_uring_disabled nor a seccomp filter against it",
          make_io_uring_port},
  };
  return backends;
}

}  // namespace switchboard::notify
