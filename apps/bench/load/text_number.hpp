#pragma once

/// What the text of a published message begins with, so that its receivers can check that they have each once and in order:
/// 16 hexadecimal digits, four of the publisher and twelve of the message among those that this publisher published.
/// Threads    a value.

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace switchboard::bench {

struct text_number {
  static constexpr std::size_t digits = 16;
  static constexpr std::size_t publishers_max = 1 << 16;

  std::uint64_t publisher = 0;
  std::uint64_t message = 0;

  /// Over the first bytes of `text`, which has as many.
  void write(std::string& text) const noexcept {
    auto value = publisher << 48 | message;
    for (std::size_t digit = digits; digit-- > 0; value >>= 4) text[digit] = "0123456789abcdef"[value & 15];
  }
  /// False where `text` does not begin with such digits.
  bool read(std::string_view text) noexcept {
    if (text.size() < digits) return false;
    std::uint64_t value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + digits, value, 16);
    publisher = value >> 48;
    message = value & 0xffff'ffff'ffff;
    return parsed.ec == std::errc() && parsed.ptr == text.data() + digits;
  }
};

}  // namespace switchboard::bench
