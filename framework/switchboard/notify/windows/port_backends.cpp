#include <array>

#include <switchboard/notify/iocp_port.hpp>
#include <switchboard/notify/port_backend.hpp>

namespace switchboard::notify {

std::span<const port_backend> port_backend::all() noexcept {
  static constexpr std::array backends{
      port_backend{"iocp", "Windows 10 or Windows Server 2016", make_iocp_port},
  };
  return backends;
}

}  // namespace switchboard::notify
