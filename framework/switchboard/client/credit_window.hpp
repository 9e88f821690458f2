#pragma once

/// When the reader of a stream grants again: by half windows, so that credit costs one frame for many messages.
/// Threads    a value.

#include <algorithm>
#include <cstdint>
#include <utility>

namespace switchboard::client {

class credit_window {
public:
  explicit credit_window(std::uint32_t messages) noexcept : messages_(std::max<std::uint32_t>(messages, 1)) {}

  std::uint32_t messages() const noexcept { return messages_; }
  /// One more message is taken; how many are to be granted for it.
  std::uint32_t take() noexcept { return ++taken_ >= messages_ - messages_ / 2 ? std::exchange(taken_, 0) : 0; }

private:
  std::uint32_t messages_;
  std::uint32_t taken_ = 0;  // not granted again yet
};

}  // namespace switchboard::client
