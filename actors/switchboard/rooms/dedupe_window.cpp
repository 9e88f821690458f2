#include <algorithm>
#include <bit>

#include <switchboard/rooms/dedupe_window.hpp>
#include <switchboard/wire/shared_bytes.hpp>

namespace switchboard::rooms {

std::optional<std::uint64_t> dedupe_window::find(std::string_view key) const {
  if (size_ == 0) return std::nullopt;
  const auto id = keyed_digest(key);
  for (auto at = slot_of(id); table_[at] != 0; at = next_slot(at))
    if (const auto& known = ring_[table_[at] - 1]; known.id == id) return known.sequence;
  return std::nullopt;
}

void dedupe_window::remember(std::string_view key, std::uint64_t sequence) {
  if (limit_ == 0 || find(key)) return;
  if (size_ == limit_) forget_oldest();
  if (size_ == ring_.size()) resize(std::min(limit_, std::max(first_entries, 2 * size_)));
  const auto place = ring_place(size_++);
  ring_[place] = {keyed_digest(key), sequence};
  insert(place);
}

void dedupe_window::forget_oldest() noexcept {
  erase(oldest_);
  oldest_ = ring_place(1);
  --size_;
}

void dedupe_window::forget_half() {
  for (auto most = (size_ + 1) / 2; most > 0; --most) forget_oldest();
  resize(size_);
}

std::size_t dedupe_window::footprint() const noexcept {
  if (ring_.empty()) return 0;
  return wire::shared_bytes::heap_bytes(ring_.capacity() * sizeof(entry)) +
         wire::shared_bytes::heap_bytes(table_.capacity() * sizeof(slot));
}

void dedupe_window::insert(std::size_t place) noexcept {
  auto at = slot_of(ring_[place].id);
  while (table_[at] != 0) at = next_slot(at);
  table_[at] = static_cast<slot>(place + 1);
}

/// Takes a place out of the table, and moves those up that were probed past it (Knuth, The Art of Computer Programming, 6.4,
/// Algorithm R).
void dedupe_window::erase(std::size_t place) noexcept {
  auto hole = slot_of(ring_[place].id);
  while (table_[hole] != place + 1) hole = next_slot(hole);
  for (auto at = next_slot(hole); table_[at] != 0; at = next_slot(at)) {
    const auto first = slot_of(ring_[table_[at] - 1].id);
    const auto distance = [&](std::size_t from) { return (at - from) & (table_.size() - 1); };
    if (distance(first) < distance(hole)) continue;
    table_[hole] = table_[at];
    hole = at;
  }
  table_[hole] = 0;
}

/// Makes room for so many ids. @pre entries >= size()
void dedupe_window::resize(std::size_t entries) {
  std::vector<entry> resized(entries);
  for (std::size_t index = 0; index != size_; ++index) resized[index] = entry_at(index);
  ring_ = std::move(resized);
  oldest_ = 0;
  // With a free slot always, where probing ends.
  table_ = std::vector<slot>(entries == 0 ? 0 : std::bit_ceil(entries + entries / 2 + 1));
  for (std::size_t index = 0; index != size_; ++index) insert(index);
}

}  // namespace switchboard::rooms
