#include <algorithm>

#include <switchboard/rooms/tail.hpp>

namespace switchboard::rooms {

tail::tail(std::uint64_t last_sequence, tail_limits limits)
    : limits_(limits), appended_sequence_(last_sequence), last_sequence_(last_sequence) {}

std::uint64_t tail::append(entry added, std::optional<std::uint64_t> left) {
  const auto size = added.bytes.size();
  if (chunks_.empty() || chunks_.back().count == chunk_entries ||
      (chunks_.back().count > 0 && chunks_.back().bytes + size > limits_.chunk_bytes))
    open_chunk();
  if (added.change == 0) appended_sequence_ = added.sequence;
  // The room alone changes `chunks_`, so it may look at it without the lock.
  auto& last = chunks_.back();
  if (left && *left >= last.entries->first_position) {
    const auto index = static_cast<std::uint8_t>(*left - last.entries->first_position);
    added.left = static_cast<std::uint8_t>(index + 1);
    last.entries->joined[index].store(static_cast<std::uint8_t>(last.count), std::memory_order_relaxed);
  }
  last.entries->entries[last.count] = std::move(added);
  ++last.count;
  last.bytes += size;
  ++held_entries_;
  held_bytes_ += size;
  return appended_++;
}

void tail::open_chunk() {
  auto opened = std::make_shared<chunk>();
  opened->first_position = appended_;
  opened->after_sequence = appended_sequence_;
  std::lock_guard lock(mutex_);
  if (!chunks_.empty()) {
    auto& last = chunks_.back();
    last.entries->next = opened;
    last.entries->closed_at.store(last.count, std::memory_order_relaxed);
  }
  chunks_.push_back({std::move(opened)});
  trim();
}

void tail::trim() {
  while (chunks_.size() > 1 && (held_entries_ > limits_.entries || held_bytes_ > limits_.bytes)) {
    held_entries_ -= chunks_.front().count;
    held_bytes_ -= chunks_.front().bytes;
    chunks_.pop_front();
  }
}

void tail::publish() noexcept {
  // In this order, so that a reader that knows of a message finds the head past it.
  head_.store(appended_, std::memory_order_release);
  last_sequence_.store(appended_sequence_, std::memory_order_release);
}

void tail::clear() {
  std::lock_guard lock(mutex_);
  if (chunks_.empty()) return;
  // Should a reader still be in the last chunk, it ends where it is: the next one will not be its successor.
  chunks_.back().entries->closed_at.store(chunks_.back().count, std::memory_order_relaxed);
  chunks_.clear();
  held_entries_ = 0;
  held_bytes_ = 0;
}

std::optional<tail::place> tail::after(std::uint64_t sequence) const {
  std::lock_guard lock(mutex_);
  const auto published = head();
  if (chunks_.empty()) {
    if (sequence < last_sequence()) return std::nullopt;
    return place{nullptr, 0, published};
  }
  const auto later = std::partition_point(
      chunks_.begin(), chunks_.end(), [&](const held_chunk& each) { return each.entries->after_sequence < sequence; });
  if (later == chunks_.begin()) {
    // Messages from the oldest chunk's place on are here, what was before it is not.
    if (later->entries->after_sequence > sequence) {
      // An append in progress may have pushed out all that was published: nothing is missed yet, and the next
      // look, after it is published, goes to the log.
      if (sequence < last_sequence()) return std::nullopt;
      return place{nullptr, 0, published};
    }
    return place{later->entries, 0, later->entries->first_position};
  }
  // The message is in the chunk before (or still to come): the place is after it there.
  const auto& in = std::prev(later)->entries;
  const auto readable = published - std::min(published, in->first_position);
  const auto end = std::min<std::uint64_t>(readable, in->closed_at.load(std::memory_order_relaxed));
  std::uint32_t index = 0;
  while (index < end) {
    const auto& each = in->entries[index];
    if (each.change == 0 ? each.sequence > sequence : each.sequence >= sequence) break;
    ++index;
  }
  return place{in, index, in->first_position + index};
}

}  // namespace switchboard::rooms
