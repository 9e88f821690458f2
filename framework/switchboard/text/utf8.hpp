#pragma once

/// Whether bytes are text that protobuf takes for a string: Unicode's well-formed UTF-8 (no overlong form, no
/// surrogate, nothing above U+10FFFF).
///
/// Why        protobuf's own check writes a log line for each bad string, which would let a client fill the disk.
/// Threads    free functions.

#include <cstddef>
#include <string_view>

namespace switchboard::text {

/// Bytes of the well-formed character that `text` begins with; 0 when it begins with none.
std::size_t utf8_character_size(std::string_view text) noexcept;
bool is_utf8(std::string_view text) noexcept;

}  // namespace switchboard::text
