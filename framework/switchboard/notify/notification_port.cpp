#include <switchboard/notify/notification_port.hpp>

namespace switchboard::notify {

error_or<net::socket_handle> packet::accepted() const noexcept {
  const auto outcome = static_cast<std::int64_t>(value);
  if (outcome >= 0) return static_cast<net::socket_handle>(outcome);
  const std::error_code failure(static_cast<int>(-outcome), std::generic_category());
  // By the name that net::listener gives it, so that a caller knows when to refuse.
  if (failure == std::errc::too_many_files_open || failure == std::errc::too_many_files_open_in_system)
    return errc::out_of_descriptors;
  return failure;
}

}  // namespace switchboard::notify
