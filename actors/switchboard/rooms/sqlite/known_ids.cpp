#include <iterator>
#include <utility>

#include <switchboard/rooms/sqlite/known_ids.hpp>

namespace switchboard::rooms::sqlite {

known_ids::~known_ids() {
  if (memory_) memory_->forget(*this);
}

bool known_ids::has(std::string_view room) const {
  const std::lock_guard lock{mutex_};
  return by_room_.contains(room);
}

std::optional<dedupe_window> known_ids::take(std::string_view room) {
  const std::lock_guard lock{mutex_};
  const auto found = by_room_.find(room);
  if (found == by_room_.end()) return std::nullopt;
  by_use_.splice(by_use_.begin(), by_use_, found->second);
  return std::exchange(found->second->ids, std::nullopt);
}

void known_ids::keep(const std::string& room, dedupe_window ids) {
  {
    const std::lock_guard lock{mutex_};
    auto found = by_room_.find(room);
    if (found == by_room_.end()) {
      by_use_.push_front({room, std::nullopt, 0});
      found = by_room_.emplace(by_use_.front().room, by_use_.begin()).first;
    }
    auto& kept = *found->second;
    footprint_ -= kept.footprint;
    kept.footprint = ids.footprint() + entry_bytes;
    footprint_ += kept.footprint;
    kept.ids.emplace(std::move(ids));
  }
  count();
}

void known_ids::forget(std::string_view room) {
  {
    const std::lock_guard lock{mutex_};
    const auto found = by_room_.find(room);
    if (found == by_room_.end()) return;
    erase(found->second);
  }
  count();
}

void known_ids::clear() {
  {
    const std::lock_guard lock{mutex_};
    by_room_.clear();
    by_use_.clear();
    footprint_ = 0;
  }
  count();
}

std::size_t known_ids::footprint() const noexcept {
  const std::lock_guard lock{mutex_};
  return footprint_;
}

bool known_ids::release_oldest() noexcept {
  const std::lock_guard lock{mutex_};
  if (by_use_.empty() || !by_use_.back().ids) return false;
  erase(std::prev(by_use_.end()));
  return true;
}

void known_ids::erase(entries::iterator at) noexcept {
  footprint_ -= at->footprint;
  by_room_.erase(at->room);
  by_use_.erase(at);
}

/// Not with the lock held: the memory asks for what is kept.
void known_ids::count() {
  if (memory_) memory_->update(*this);
}

}  // namespace switchboard::rooms::sqlite
