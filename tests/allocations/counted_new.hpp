#pragma once

/// Counts what the threads of this process allocate with `new`, but for those that are exempt.
///
/// How        the program's own operator new, which its shared libraries (CAF, protobuf) use as well.
/// Threads    any.

#include <cstdint>

namespace switchboard::allocations {

/// How many were made since the start.
std::uint64_t made() noexcept;
/// What the calling thread makes is not counted from now on.
void exempt_this_thread() noexcept;

}  // namespace switchboard::allocations
