#pragma once

/// Messages that wait for their reader, bounded by the credit it has granted and by bytes.
/// Threads    one at a time.
/// Owns       the messages, and the one that was taken last.
/// Limits     `bytes_max` that wait, but one message is always taken; credit_max.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

namespace switchboard::rpc {

class message_window {
public:
  static constexpr std::uint64_t credit_max = std::numeric_limits<std::uint32_t>::max();

  message_window(std::uint64_t credit, std::size_t bytes_max) noexcept : credit_(credit), bytes_max_(bytes_max) {}

  bool empty() const noexcept { return waiting_.empty(); }
  bool has_room() const noexcept { return credit_ > 0 && (empty() || bytes_ < bytes_max_); }
  bool at_most_half_full() const noexcept { return bytes_ <= bytes_max_ / 2; }
  std::uint64_t credit() const noexcept { return credit_; }

  void grant(std::uint32_t more) noexcept { credit_ = std::min(credit_ + more, credit_max); }
  /// @pre has_room()
  void push(std::string_view message) {
    --credit_;
    bytes_ += message.size();
    waiting_.emplace_back(message);
  }
  /// The oldest, valid until the next take(). @pre !empty()
  std::string_view take() {
    taken_ = std::move(waiting_.front());
    waiting_.pop_front();
    bytes_ -= taken_.size();
    return taken_;
  }
  void clear() noexcept {
    waiting_.clear();
    bytes_ = 0;
  }

private:
  std::deque<std::string> waiting_;
  std::size_t bytes_ = 0;
  std::uint64_t credit_;
  const std::size_t bytes_max_;
  std::string taken_;
};

}  // namespace switchboard::rpc
