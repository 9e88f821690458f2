#include <algorithm>
#include <cstdint>
#include <cstring>

#include <switchboard/text/utf8.hpp>

namespace switchboard::text {
namespace {

constexpr std::uint64_t high_bits = 0x8080808080808080;

constexpr bool continues(unsigned char byte) noexcept {
  return (byte & 0xc0) == 0x80;
}

std::uint64_t eight_bytes(const char* at) noexcept {
  std::uint64_t eight;
  std::memcpy(&eight, at, sizeof eight);
  return eight;
}

/// Method names are, and this is in the way of every call.
bool is_ascii(std::string_view text) noexcept {
  constexpr auto step = sizeof(std::uint64_t);
  if (text.size() < step)
    return std::ranges::none_of(text, [](char each) { return static_cast<signed char>(each) < 0; });
  for (std::size_t at = 0; at + step <= text.size(); at += step)
    if (eight_bytes(text.data() + at) & high_bits) return false;
  return (eight_bytes(text.data() + text.size() - step) & high_bits) == 0;
}

}  // namespace

std::size_t utf8_character_size(std::string_view text) noexcept {
  if (text.empty()) return 0;
  const auto* byte = reinterpret_cast<const unsigned char*>(text.data());
  const unsigned char lead = byte[0];
  if (lead < 0x80) return 1;
  // The Unicode Standard, table 3-7: only the second byte's range depends on the first.
  unsigned char low = 0x80;
  unsigned char high = 0xbf;
  std::size_t size;
  if (lead >= 0xc2 && lead <= 0xdf) {
    size = 2;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    size = 3;
    if (lead == 0xe0) low = 0xa0;
    if (lead == 0xed) high = 0x9f;
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    size = 4;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
  } else {
    return 0;
  }
  if (text.size() < size || byte[1] < low || byte[1] > high) return 0;
  for (std::size_t i = 2; i < size; ++i)
    if (!continues(byte[i])) return 0;
  return size;
}

bool is_utf8(std::string_view text) noexcept {
  if (is_ascii(text)) return true;
  while (true) {
    while (text.size() >= sizeof(std::uint64_t) && (eight_bytes(text.data()) & high_bits) == 0)
      text.remove_prefix(sizeof(std::uint64_t));
    if (text.empty()) return true;
    const auto size = utf8_character_size(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
}

}  // namespace switchboard::text
