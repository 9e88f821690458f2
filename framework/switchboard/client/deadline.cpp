#include <switchboard/client/deadline.hpp>

namespace switchboard::client {

deadline within(clock::duration span) noexcept {
  const auto now = clock::now();
  return span >= deadline::max() - now ? deadline::max() : now + span;
}

}  // namespace switchboard::client
