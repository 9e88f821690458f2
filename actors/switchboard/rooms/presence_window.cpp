#include <algorithm>

#include <switchboard/rooms/presence_window.hpp>

namespace switchboard::rooms {

std::uint64_t presence_window::first_placed_at(std::uint64_t sequence) const {
  std::lock_guard lock(mutex_);
  const auto found = std::partition_point(changes_.begin(), changes_.end(),
                                          [&](const presence_change& each) { return each.after < sequence; });
  return oldest() + static_cast<std::uint64_t>(found - changes_.begin());
}

std::vector<presence_change> presence_window::before(std::uint64_t sequence, std::uint64_t from, std::uint64_t to,
                                                     std::size_t most) const {
  std::lock_guard lock(mutex_);
  const auto oldest_kept = oldest();
  std::vector<presence_change> found;
  for (auto number = std::max(from, oldest_kept); number < std::min<std::uint64_t>(to, oldest_kept + changes_.size());
       ++number) {
    const auto& each = changes_[number - oldest_kept];
    if (each.after >= sequence || found.size() == most) break;
    found.push_back(each);
  }
  return found;
}

}  // namespace switchboard::rooms
