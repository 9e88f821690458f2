#include <algorithm>

#include <switchboard/limit/rate_limiter.hpp>

namespace switchboard {
namespace {

constexpr std::size_t few_keys = 64;

}  // namespace

rate_limiter::rate_limiter(rate within) noexcept
    : unlimited_(within.unlimited()),
      interval_(unlimited_ ? duration::zero()
                           : duration(std::chrono::minutes(1)) / static_cast<duration::rep>(within.per_minute)),
      tolerance_(interval_ * (static_cast<duration::rep>(std::max<std::size_t>(within.burst, 1)) - 1)),
      forget_above_(few_keys) {}

rate_limiter::duration rate_limiter::wait(const std::string& key, time_point now) const {
  const auto found = full_at_.find(key);
  if (found == full_at_.end()) return duration::zero();
  return std::max(found->second - now - tolerance_, duration::zero());
}

void rate_limiter::charge(const std::string& key, time_point now) {
  if (unlimited_) return;
  if (full_at_.size() >= forget_above_) forget_full(now);
  auto& full_at = full_at_.try_emplace(key, now).first->second;
  full_at = std::max(full_at, now) + interval_;
}

void rate_limiter::forget_full(time_point now) {
  std::erase_if(full_at_, [now](const auto& each) { return each.second <= now; });
  forget_above_ = std::max(few_keys, 2 * full_at_.size());
}

}  // namespace switchboard
