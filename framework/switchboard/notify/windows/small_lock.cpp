#include <windows.h>

#include <switchboard/net/socket_headers.hpp>
#include <switchboard/notify/registration_table.hpp>

namespace switchboard::notify {

// Not std::atomic's wait(): where libstdc++ 12 has no futex it looks at the value before it takes the lock that notifying
// takes no notice of, and then sleeps through the wake.

void small_lock::sleep_while_contended() noexcept {
  std::uint32_t seen = contended;
  ::WaitOnAddress(&state_, &seen, sizeof seen, INFINITE);
}

void small_lock::wake_one() noexcept {
  ::WakeByAddressSingle(&state_);
}

}  // namespace switchboard::notify
