#pragma once

/// Emptied byte blocks that a thread keeps for its next frames: most are written at once, so without a stock each would
/// cost an allocation, and with one of their own idle connections would cost memory.
/// Threads    any; each has its own stock, at most `blocks_kept` of `block_bytes_kept`.

#include <cstddef>
#include <string>

namespace switchboard::wire {

inline constexpr std::size_t blocks_kept = 8;
inline constexpr std::size_t block_bytes_kept = 64 * 1024;

/// An empty block with room for `expected` bytes.
std::string take_block(std::size_t expected = 0);
/// Keeps what `block` has allocated, if there is room in the stock.
void give_back_block(std::string&& block) noexcept;

}  // namespace switchboard::wire
