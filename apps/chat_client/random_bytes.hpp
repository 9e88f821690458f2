#pragma once

/// Bytes and ids that no other client has chosen, from the system's randomness.
/// Threads    any.

#include <cstddef>
#include <string>

namespace switchboard::chat_client {

/// @return `size` bytes.
std::string random_bytes(std::size_t size);
/// @return 128 bits as 32 hexadecimal digits.
std::string random_id();

}  // namespace switchboard::chat_client
