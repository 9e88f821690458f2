#pragma once

/// Reads the fields of a serialized protobuf message one by one, in place, as protobuf's own parser does.
/// Threads    one at a time.
/// Owns       nothing; the bytes must stay valid.
/// Errors     every read says whether the bytes allowed it; after false the cursor stands anywhere.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace switchboard::wire {

enum class wire_type : unsigned char {
  varint = 0,
  fixed64 = 1,
  length_delimited = 2,
  start_group = 3,
  end_group = 4,
  fixed32 = 5
};

constexpr std::uint32_t tag_of(std::uint32_t number, wire_type type) {
  return number << 3 | static_cast<std::uint32_t>(type);
}

class field_cursor {
public:
  /// What protobuf's parser allows (parse_context.h, 3.21): varints of ten bytes whatever their field's width, tags and
  /// lengths of five, and a hundred messages and groups inside one another.
  static constexpr int varint_limit = 10;
  static constexpr int tag_limit = 5;
  static constexpr int length_limit = 5;
  static constexpr int depth_limit = 100;

  explicit field_cursor(std::string_view bytes) noexcept
      : at_(reinterpret_cast<const unsigned char*>(bytes.data())), end_(at_ + bytes.size()) {}

  bool done() const noexcept { return at_ == end_; }
  const char* position() const noexcept { return reinterpret_cast<const char*>(at_); }
  std::string_view rest() const noexcept { return {position(), left()}; }

  bool read_varint(std::uint64_t& value) noexcept {
    if (!done() && *at_ < 0x80) {
      value = *at_++;
      return true;
    }
    return read_long_varint(value, varint_limit);
  }

  bool read_tag(std::uint32_t& tag) noexcept {
    if (!done() && *at_ < 0x80) {
      tag = *at_++;
      return true;
    }
    std::uint64_t wide;
    if (!read_long_varint(wide, tag_limit)) return false;
    tag = static_cast<std::uint32_t>(wide);  // the fifth byte's high bits are dropped, as protobuf does
    return true;
  }

  bool read_bytes(std::string_view& bytes) noexcept {
    std::uint64_t size;
    if (!done() && *at_ < 0x80) {
      size = *at_++;
    } else if (!read_long_varint(size, length_limit)) {
      return false;
    }
    if (size > left()) return false;
    bytes = {position(), static_cast<std::size_t>(size)};
    at_ += size;
    return true;
  }

  /// Reads a little-endian number. @pre `type` is fixed32 or fixed64
  bool read_fixed(std::uint64_t& value, wire_type type) noexcept {
    const std::size_t size = type == wire_type::fixed64 ? 8 : 4;
    if (size > left()) return false;
    value = 0;
    for (std::size_t i = 0; i < size; ++i) value |= std::uint64_t{*at_++} << (8 * i);
    return true;
  }

  /// Skips the value after `tag`, a field that its message does not know. `depth` is how many levels may still
  /// open.
  bool skip_field(std::uint32_t tag, int depth) noexcept;

private:
  std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }
  bool read_long_varint(std::uint64_t& value, int limit) noexcept {
    value = 0;
    for (int i = 0; i < limit && !done(); ++i) {
      const std::uint64_t byte = *at_++;
      value |= (byte & 0x7f) << (7 * i);
      if (byte < 0x80) return true;
    }
    return false;
  }
  bool skip(std::size_t size) noexcept {
    if (size > left()) return false;
    at_ += size;
    return true;
  }
  bool skip_group(std::uint32_t number, int depth) noexcept;

  const unsigned char* at_;
  const unsigned char* end_;
};

}  // namespace switchboard::wire
