#include <algorithm>
#include <cstdint>
#include <deque>
#include <utility>

#include <switchboard/rooms/dedupe_window.hpp>
#include <switchboard/rooms/memory_log.hpp>

namespace switchboard::rooms {

class memory_log final : public log, private room_memory::keeper {
public:
  memory_log(std::string room, const log_store::encoder& encode, const memory_limits& limits,
             std::shared_ptr<room_memory> memory)
      : room_(std::move(room)),
        id_(new_log_id()),
        encode_(encode),
        limits_(limits),
        memory_(std::move(memory)),
        known_ids_(limits.dedupe_window) {
    if (memory_) memory_->update(*this);
  }

  ~memory_log() {
    if (memory_) memory_->forget(*this);
  }

  void append(std::vector<record> records, std::function<void(std::vector<append_result>)> done) override {
    std::vector<append_result> results;
    results.reserve(records.size());
    bool grown = false;
    bool counts = false;
    {
      std::lock_guard lock(mutex_);
      for (auto& each : records) {
        results.push_back(store(std::move(each)));
        grown |= !results.back().duplicate;
      }
      while (entries_.size() > limits_.room_entries || bytes_ > limits_.room_bytes) pop_oldest();
      counts = memory_ && counted_.passes(footprint_locked());
    }
    if (counts) memory_->update(*this);
    if (grown) watch_.tell();
    done(std::move(results));
  }

  void read(page_request wanted, std::function<void(log_page)> done) override {
    log_page page;
    {
      std::lock_guard lock(mutex_);
      page.extent = extent_locked();
      // Beyond the last there is nothing to read, and `after + 1` may not even exist.
      if (wanted.after < page.extent.last) {
        const auto from = std::max(wanted.after + 1, first_);
        const auto held = page.extent.last + 1 - from;
        page.entries.reserve(std::min<std::size_t>(held, wanted.limit));
        std::size_t taken = 0;
        for (auto at = from; at <= page.extent.last && page.entries.size() < wanted.limit; ++at) {
          const auto& entry = entries_[at - first_];
          if (!page.entries.empty() && taken + entry.size() > wanted.bytes) break;
          taken += entry.size();
          page.entries.push_back({at, entry});
        }
      }
    }
    done(std::move(page));
  }

  log_extent extent() const override {
    std::lock_guard lock(mutex_);
    return extent_locked();
  }

  void watch(growth_callback grown) override { watch_.set(std::move(grown)); }

private:
  std::size_t footprint() const noexcept override {
    std::lock_guard lock(mutex_);
    return footprint_locked();
  }
  /// Of the heap: each entry's bytes and its place, and the ids.
  std::size_t footprint_locked() const noexcept {
    return entry_footprints_ + entries_.size() * sizeof(wire::shared_bytes) + known_ids_.footprint();
  }
  bool release_oldest() noexcept override {
    std::lock_guard lock(mutex_);
    if (entries_.empty()) {
      // A room's ids go last, and only where its messages have.
      const bool any = known_ids_.size() > 0;
      if (any) known_ids_.forget_half();
      return any;
    }
    const auto enough = entry_footprints_ - std::min(entry_footprints_, room_memory::step);
    while (!entries_.empty() && entry_footprints_ >= enough) pop_oldest();
    return true;
  }

  log_extent extent_locked() const { return {id_, first_, first_ + entries_.size() - 1}; }

  append_result store(record&& added) {
    append_result result;
    result.safety = durability::memory;
    if (!added.dedupe_key.empty()) {
      if (const auto known = known_ids_.find(added.dedupe_key)) {
        result.sequence = *known;
        result.duplicate = true;
        return result;
      }
    }
    result.sequence = first_ + entries_.size();
    result.bytes = encode_(room_, result.sequence, added.body);
    entries_.push_back(result.bytes);
    bytes_ += result.bytes.size();
    entry_footprints_ += result.bytes.footprint();
    if (!added.dedupe_key.empty()) known_ids_.remember(added.dedupe_key, result.sequence);
    return result;
  }

  void pop_oldest() noexcept {
    bytes_ -= entries_.front().size();
    entry_footprints_ -= entries_.front().footprint();
    entries_.pop_front();
    ++first_;
  }

  const std::string room_;
  const std::string id_;
  const log_store::encoder encode_;
  const memory_limits limits_;
  const std::shared_ptr<room_memory> memory_;

  mutable std::mutex mutex_;
  std::uint64_t first_ = 1;
  std::deque<wire::shared_bytes> entries_;
  std::size_t bytes_ = 0;  ///< of the entries, as they are encoded
  std::size_t entry_footprints_ = 0;
  dedupe_window known_ids_;
  step_counter counted_;

  growth_watch watch_;
};

memory_store::memory_store(encoder encode, memory_limits limits, std::shared_ptr<room_memory> within)
    : encode_(std::move(encode)), limits_(limits), memory_(std::move(within)) {}

memory_store::~memory_store() = default;

std::shared_ptr<log> memory_store::open(const std::string& room) {
  std::lock_guard lock(mutex_);
  auto& found = logs_[room];
  if (!found) found = std::make_shared<memory_log>(room, encode_, limits_, memory_);
  return found;
}

void memory_store::close(const std::string& room) {
  std::lock_guard lock(mutex_);
  const auto found = logs_.find(room);
  if (found != logs_.end() && found->second->extent().last == 0) logs_.erase(found);
}

std::shared_ptr<log> memory_store::find(const std::string& room) const {
  std::lock_guard lock(mutex_);
  const auto found = logs_.find(room);
  return found == logs_.end() ? nullptr : found->second;
}

std::vector<std::string> memory_store::rooms(const std::string& after, std::size_t limit) const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (auto at = logs_.upper_bound(after); at != logs_.end() && names.size() < limit; ++at) names.push_back(at->first);
  return names;
}

std::size_t memory_store::size() const {
  std::lock_guard lock(mutex_);
  return logs_.size();
}

}  // namespace switchboard::rooms
