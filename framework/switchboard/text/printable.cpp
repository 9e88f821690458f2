#include <algorithm>
#include <cstdint>

#include <switchboard/text/printable.hpp>
#include <switchboard/text/utf8.hpp>

namespace switchboard::text {
namespace {

char32_t code_point(std::string_view character) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  if (character.size() == 1) return byte(0);
  char32_t point = byte(0) & (0xff >> (character.size() + 1));
  for (std::size_t i = 1; i < character.size(); ++i) point = point << 6 | (byte(i) & 0x3f);
  return point;
}

bool is_control(char32_t point) {
  return point < 0x20 || (point >= 0x7f && point <= 0x9f) || point == 0x061c || point == 0x200e || point == 0x200f ||
         (point >= 0x2028 && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069) || point == 0xfeff;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string shown;
  shown.reserve(text.size());
  while (!text.empty()) {
    const auto size = utf8_character_size(text);
    if (size == 0) {
      shown += "\ufffd";
    } else if (const auto character = text.substr(0, size); character == "\n" || character == "\t") {
      shown += ' ';
    } else if (!is_control(code_point(character))) {
      shown += character;
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return shown;
}

std::string printable_lines(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const auto size = std::min(text.find('\n'), text.size());
    shown += printable(text.substr(0, size));
    if (size < text.size()) shown += '\n';
    text.remove_prefix(std::min(size + 1, text.size()));
  }
  return shown;
}

}  // namespace switchboard::text
