#include <switchboard/wire/field_cursor.hpp>

namespace switchboard::wire {

bool field_cursor::skip_field(std::uint32_t tag, int depth) noexcept {
  const std::uint32_t number = tag >> 3;
  if (number == 0) return false;
  std::uint64_t ignored;
  std::string_view ignored_bytes;
  switch (static_cast<wire_type>(tag & 7)) {
    case wire_type::varint:
      return read_varint(ignored);
    case wire_type::fixed64:
      return skip(8);
    case wire_type::length_delimited:
      return read_bytes(ignored_bytes);
    case wire_type::start_group:
      return skip_group(number, depth);
    case wire_type::fixed32:
      return skip(4);
    default:
      return false;  // end_group without its start; 6 and 7 mean nothing
  }
}

bool field_cursor::skip_group(std::uint32_t number, int depth) noexcept {
  if (depth == 0) return false;
  std::uint32_t tag;
  while (read_tag(tag)) {
    if (tag == tag_of(number, wire_type::end_group)) return true;
    if (!skip_field(tag, depth - 1)) return false;
  }
  return false;
}

}  // namespace switchboard::wire
