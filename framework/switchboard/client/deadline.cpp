#include <algorithm>
#include <limits>

#include <switchboard/client/deadline.hpp>

namespace switchboard::client {

deadline within(clock::duration span) noexcept {
  const auto now = clock::now();
  return span >= deadline::max() - now ? deadline::max() : now + span;
}

std::uint32_t timeout_ms(deadline until, deadline now) noexcept {
  if (until == deadline::max()) return 0;
  if (until <= now) return 1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now).count();
  return static_cast<std::uint32_t>(std::min<std::int64_t>(left, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace switchboard::client
