#include <switchboard/notify/registration_table.hpp>

namespace switchboard::notify {

void small_lock::sleep_while_contended() noexcept {
  state_.wait(contended, std::memory_order_relaxed);
}

void small_lock::wake_one() noexcept {
  state_.notify_one();
}

}  // namespace switchboard::notify
