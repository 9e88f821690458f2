#pragma once

/// Items of several owners, taken out round robin: each owner's first, then each owner's second.
///
/// Why        an owner with a thousand items must not delay one that has a single item.
/// Threads    one at a time.
/// Owns       the items. It has no bound of its own: its user bounds each owner's.

#include <cstdint>
#include <deque>
#include <unordered_map>
#include <utility>

namespace switchboard::rooms {

template <class Item>
class fair_queue {
public:
  void push(std::uint64_t owner, Item item) {
    auto& own = items_[owner];
    if (own.empty()) turns_.push_back(owner);
    own.push_back(std::move(item));
  }
  /// The next one. @pre !empty()
  Item pop() {
    const auto owner = turns_.front();
    turns_.pop_front();
    const auto own = items_.find(owner);
    auto item = std::move(own->second.front());
    own->second.pop_front();
    if (own->second.empty())
      items_.erase(own);
    else
      turns_.push_back(owner);
    return item;
  }
  bool empty() const noexcept { return turns_.empty(); }

private:
  std::unordered_map<std::uint64_t, std::deque<Item>> items_;
  std::deque<std::uint64_t> turns_;  ///< owners with items, each once
};

}  // namespace switchboard::rooms
