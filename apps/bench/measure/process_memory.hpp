#pragma once

/// What memory a process holds, as proc(5) has it.
/// Threads    any.
/// Errors     0 where the process is not known, or gone.

#include <cstddef>
#include <optional>

#include <sys/types.h>

namespace switchboard::bench {

/// Bytes in memory, those of files and shared ones included (VmRSS).
std::size_t resident_bytes(std::optional<pid_t> process);
/// Bytes in memory that are its own: heap and stacks, no files (RssAnon).
std::size_t anonymous_bytes(std::optional<pid_t> process);

}  // namespace switchboard::bench
