#pragma once

/// Limits of the framing (proto/README.md, "Limits").

#include <cstddef>
#include <string_view>

namespace switchboard::wire {

/// Bytes of a frame after its size varint; above it the receiver ends the connection with RESOURCE_EXHAUSTED.
inline constexpr std::size_t default_frame_limit = 1024 * 1024;
/// A size varint that has not ended by then is malformed.
inline constexpr std::size_t size_varint_limit = 5;

/// Of a frame's metadata; above one of these its call ends with RESOURCE_EXHAUSTED.
inline constexpr std::size_t metadata_pairs_max = 64;
inline constexpr std::size_t metadata_value_bytes_max = 4 * 1024;
/// Keys, values and the overhead of each pair together.
inline constexpr std::size_t metadata_bytes_max = 8 * 1024;
inline constexpr std::size_t metadata_pair_overhead = 32;
/// A longer key is malformed: INVALID_ARGUMENT.
inline constexpr std::size_t metadata_key_bytes_max = 64;
/// Clients send no key that begins with this.
inline constexpr std::string_view metadata_reserved_prefix = "switchboard-";

}  // namespace switchboard::wire
