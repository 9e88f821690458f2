#pragma once

/// Byte blocks for frames, from the thread's stock (wire/thread_stock.hpp).
/// Threads    any.

#include <cstddef>
#include <string>

namespace switchboard::wire {

/// An empty block with room for `expected` bytes.
std::string take_block(std::size_t expected = 0);
/// Keeps what `block` has allocated, if there is room in the stock.
void give_back_block(std::string&& block) noexcept;

}  // namespace switchboard::wire
