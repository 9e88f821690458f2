#include <algorithm>

#include <switchboard/rooms/tail.hpp>

namespace switchboard::rooms {
namespace {

/// What std::make_shared puts before the object: a table of functions and two counts.
constexpr std::size_t shared_ptr_counts = 16;

}  // namespace

tail::tail(std::uint64_t last_sequence, tail_limits limits)
    : limits_(limits), appended_sequence_(last_sequence), last_sequence_(last_sequence) {}

std::uint64_t tail::append(entry added, std::optional<std::uint64_t> left) {
  const auto size = added.bytes.size();
  const auto footprint = added.bytes.footprint();
  const std::lock_guard lock{mutex_};
  if (chunks_.empty() || chunks_.back().count == chunks_.back().entries->capacity ||
      (chunks_.back().count > 0 && chunks_.back().bytes + size > limits_.chunk_bytes))
    open_chunk();
  if (added.change == 0) appended_sequence_ = added.sequence;
  auto& last = chunks_.back();
  if (left && *left >= last.entries->first_position) {
    const auto index = static_cast<std::uint8_t>(*left - last.entries->first_position);
    added.left = static_cast<std::uint8_t>(index + 1);
    last.entries->joined[index].store(static_cast<std::uint8_t>(last.count), std::memory_order_relaxed);
  }
  last.entries->entries[last.count] = std::move(added);
  ++last.count;
  last.bytes += size;
  last.footprint += footprint;
  ++held_entries_;
  held_bytes_ += size;
  footprint_.fetch_add(footprint, std::memory_order_relaxed);
  return appended_++;
}

void tail::open_chunk() {
  const auto capacity = chunks_.empty() ? std::min(limits_.first_chunk_entries, chunk_entries)
                                        : std::min(2 * chunks_.back().entries->capacity, chunk_entries);
  auto opened = std::make_shared<chunk>(capacity);
  opened->first_position = appended_;
  opened->after_sequence = appended_sequence_;
  if (!chunks_.empty()) {
    chunks_.back().entries->next = opened;
    close_last();
  }
  const auto footprint = wire::shared_bytes::heap_bytes(sizeof(chunk) + shared_ptr_counts) +
                         wire::shared_bytes::heap_bytes(sizeof(entry) * capacity);
  chunks_.push_back({std::move(opened), 0, 0, footprint});
  footprint_.fetch_add(footprint, std::memory_order_relaxed);
  while (chunks_.size() > 1 && (held_entries_ > limits_.entries || held_bytes_ > limits_.bytes)) drop_front();
}

/// A reader in the last chunk then ends where that one does.
void tail::close_last() {
  auto& last = chunks_.back();
  last.entries->closed_at.store(last.count, std::memory_order_relaxed);
}

void tail::drop_front() {
  const auto& oldest = chunks_.front();
  held_entries_ -= oldest.count;
  held_bytes_ -= oldest.bytes;
  footprint_.fetch_sub(oldest.footprint, std::memory_order_relaxed);
  chunks_.pop_front();
}

bool tail::drop_oldest() {
  const std::lock_guard lock{mutex_};
  if (chunks_.empty()) return false;
  // Of the last one the successor will not be its successor, so its readers, too, find none and go to the log.
  if (chunks_.size() == 1) close_last();
  drop_front();
  return true;
}

void tail::publish() noexcept {
  // In this order, so that a reader that knows of a message finds the head past it.
  head_.store(appended_, std::memory_order_release);
  last_sequence_.store(appended_sequence_, std::memory_order_release);
}

void tail::clear() {
  while (drop_oldest()) {
  }
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
