#include <algorithm>

#include <switchboard/simulated/virtual_clock.hpp>

namespace switchboard::simulated {

void virtual_clock::schedule(clock::time_point when, std::uint64_t order, std::function<void()> what) {
  // A multimap keeps equal keys in the order of their insertion.
  events_.emplace(std::pair{when, order}, std::move(what));
}

std::optional<virtual_clock::clock::time_point> virtual_clock::next_event() const noexcept {
  if (events_.empty()) return std::nullopt;
  return std::max(events_.begin()->first.first, now_);
}

void virtual_clock::advance_to(clock::time_point when) {
  while (!events_.empty() && events_.begin()->first.first <= when) {
    auto next = events_.extract(events_.begin());
    now_ = std::max(now_, next.key().first);
    next.mapped()();
  }
  now_ = std::max(now_, when);
}

}  // namespace switchboard::simulated
