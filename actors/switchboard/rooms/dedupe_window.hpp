#pragma once

/// A log's newest message ids and where their messages are.
///
/// Why        a message that is published again within the window is stored once.
/// Threads    one at a time.
/// Owns       at most `limit` ids.
/// Errors     none.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

namespace switchboard::rooms {

class dedupe_window {
public:
  explicit dedupe_window(std::size_t limit) : limit_(limit) {}

  std::optional<std::uint64_t> find(const std::string& key) const {
    const auto known = sequences_.find(key);
    if (known == sequences_.end()) return std::nullopt;
    return known->second;
  }

  /// Adds an id, unless it is known; the oldest goes where there are too many.
  void remember(std::string key, std::uint64_t sequence) {
    if (limit_ == 0 || sequences_.contains(key)) return;
    if (oldest_first_.size() == limit_) {
      sequences_.erase(sequences_.find(*oldest_first_.front()));
      oldest_first_.pop_front();
    }
    oldest_first_.push_back(&sequences_.emplace(std::move(key), sequence).first->first);
  }

  /// Where the message of the id is that was added `index` ids after the oldest. @pre index < size()
  std::uint64_t sequence_at(std::size_t index) const { return sequences_.find(*oldest_first_[index])->second; }
  std::size_t size() const noexcept { return oldest_first_.size(); }

private:
  std::size_t limit_;
  std::unordered_map<std::string, std::uint64_t> sequences_;
  std::deque<const std::string*> oldest_first_;  // keys of sequences_, which keeps its elements where they are
};

}  // namespace switchboard::rooms
