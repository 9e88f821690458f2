#include <algorithm>
#include <cstdint>
#include <deque>
#include <set>
#include <utility>

#include <switchboard/rooms/dedupe_window.hpp>
#include <switchboard/rooms/memory_log.hpp>

namespace switchboard::rooms {
/// What all logs of a store take together.
/// Threads    any. Locks a log while it holds its own lock; a log never asks for it while holding its own.
class memory_account {
public:
  explicit memory_account(std::size_t limit) : limit_(static_cast<std::int64_t>(limit)) {}

  /// `log` grew by `change` bytes; past the limit the largest log loses its oldest entries.
  void settle(memory_log& log, std::int64_t change);
  void forget(memory_log& log);

private:
  using size_order = std::set<std::pair<std::int64_t, memory_log*>>;

  void resize(memory_log& log, std::int64_t change);

  const std::int64_t limit_;
  std::mutex mutex_;
  std::int64_t total_ = 0;
  size_order by_size_;
};

class memory_log final : public log {
public:
  memory_log(std::string room, const log_store::encoder& encode, const memory_limits& limits,
             std::shared_ptr<memory_account> account)
      : room_(std::move(room)),
        id_(new_log_id()),
        encode_(encode),
        limits_(limits),
        account_(std::move(account)),
        known_ids_(limits.dedupe_window) {}

  ~memory_log() override { account_->forget(*this); }

  void append(std::vector<record> records, std::function<void(std::vector<append_result>)> done) override {
    std::vector<append_result> results;
    results.reserve(records.size());
    std::int64_t change = 0;
    bool grown = false;
    {
      std::lock_guard lock(mutex_);
      for (auto& each : records) {
        results.push_back(store(std::move(each), change));
        grown |= !results.back().duplicate;
      }
      change -= trim();
    }
    if (change != 0) account_->settle(*this, change);
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

  void watch(std::function<void()> grown) override { watch_.set(std::move(grown)); }

  /// Drops the oldest entry; the bytes it took, or 0 where there is none.
  std::int64_t drop_oldest() {
    std::lock_guard lock(mutex_);
    return entries_.empty() ? 0 : pop_oldest();
  }

private:
  friend class memory_account;

  log_extent extent_locked() const { return {id_, first_, first_ + entries_.size() - 1}; }

  append_result store(record&& added, std::int64_t& change) {
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
    change += static_cast<std::int64_t>(result.bytes.size());
    if (!added.dedupe_key.empty()) known_ids_.remember(std::move(added.dedupe_key), result.sequence);
    return result;
  }

  std::int64_t trim() {
    std::int64_t freed = 0;
    while (entries_.size() > limits_.room_entries || bytes_ > limits_.room_bytes) freed += pop_oldest();
    return freed;
  }

  std::int64_t pop_oldest() {
    const auto size = entries_.front().size();
    entries_.pop_front();
    ++first_;
    bytes_ -= size;
    return static_cast<std::int64_t>(size);
  }

  const std::string room_;
  const std::string id_;
  const log_store::encoder encode_;
  const memory_limits limits_;
  const std::shared_ptr<memory_account> account_;

  mutable std::mutex mutex_;
  std::uint64_t first_ = 1;
  std::deque<wire::shared_bytes> entries_;
  std::size_t bytes_ = 0;
  dedupe_window known_ids_;

  growth_watch watch_;

  std::int64_t accounted_ = 0;  ///< the account's, under its lock
};

void memory_account::settle(memory_log& log, std::int64_t change) {
  std::lock_guard lock(mutex_);
  resize(log, change);
  while (total_ > limit_ && !by_size_.empty()) {
    auto& largest = *by_size_.rbegin()->second;
    const auto freed = largest.drop_oldest();
    if (freed == 0) return;
    resize(largest, -freed);
  }
}

void memory_account::forget(memory_log& log) {
  std::lock_guard lock(mutex_);
  by_size_.erase({log.accounted_, &log});
  total_ -= log.accounted_;
}

void memory_account::resize(memory_log& log, std::int64_t change) {
  auto place = by_size_.extract({log.accounted_, &log});
  log.accounted_ += change;
  total_ += change;
  if (place.empty()) {
    by_size_.emplace(log.accounted_, &log);
  } else {
    place.value().first = log.accounted_;
    by_size_.insert(std::move(place));
  }
}

memory_store::memory_store(encoder encode, memory_limits limits)
    : encode_(std::move(encode)), limits_(limits), account_(std::make_shared<memory_account>(limits.total_bytes)) {}

memory_store::~memory_store() = default;

std::shared_ptr<log> memory_store::open(const std::string& room) {
  std::lock_guard lock(mutex_);
  auto& found = logs_[room];
  if (!found) found = std::make_shared<memory_log>(room, encode_, limits_, account_);
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
