#pragma once

/// Limits of the framing (proto/README.md, "Limits").

#include <cstddef>

namespace switchboard::wire {

/// Bytes of a frame after its size varint; above it the receiver ends the connection with RESOURCE_EXHAUSTED.
inline constexpr std::size_t default_frame_limit = 1024 * 1024;
/// A size varint that has not ended by then is malformed.
inline constexpr std::size_t size_varint_limit = 5;

}  // namespace switchboard::wire
