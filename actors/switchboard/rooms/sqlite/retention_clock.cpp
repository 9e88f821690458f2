#include <switchboard/rooms/sqlite/retention_clock.hpp>

namespace switchboard::rooms::sqlite {

retention_clock::milliseconds retention_clock::time(milliseconds day, steady_time now) noexcept {
  if (!believed_at_) believed_at_ = now;
  const auto expected = believed_ + std::chrono::duration_cast<milliseconds>(now - *believed_at_);
  const bool agrees = believed_ == milliseconds{0} || day <= expected + jump_max;
  if (!agrees) {
    if (!doubted_since_) doubted_since_ = now;
    if (now - *doubted_since_ < doubted_for) return expected;
  }
  doubted_since_.reset();
  believed_ = day;
  believed_at_ = now;
  return day;
}

}  // namespace switchboard::rooms::sqlite
