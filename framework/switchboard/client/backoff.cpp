#include <algorithm>

#include <switchboard/client/backoff.hpp>

namespace switchboard::client {

backoff::backoff(bounds within) : backoff(within, std::random_device{}()) {}

backoff::backoff(bounds within, std::uint32_t seed)
    : bounds_{std::min(within.first, within.cap), within.cap}, bound_(bounds_.first) {
  // Seeded with a number as it is, the generator's first draw is about that number: near seeds would wait alike.
  std::seed_seq spread{seed};
  random_.seed(spread);
}

clock::duration backoff::next() {
  std::uniform_int_distribution<clock::rep> up_to{0, std::max<clock::rep>(bound_.count(), 0)};
  const clock::duration wait{up_to(random_)};
  bound_ = bound_ < bounds_.cap / 2 ? bound_ * 2 : bounds_.cap;
  return wait;
}

}  // namespace switchboard::client
