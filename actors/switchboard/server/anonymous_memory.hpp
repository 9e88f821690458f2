#pragma once

/// What this process holds of the machine's memory that is of no file: its heap and its stacks.

#include <cstddef>

namespace switchboard {

/// In bytes; 0 where the system has no such file (/proc/self/statm, proc(5)). Any thread.
std::size_t anonymous_bytes();

}  // namespace switchboard
