#pragma once

/// How much memory this process may have.
///
/// Threads    any.
/// Errors     none: what cannot be read bounds nothing.
/// Source     Linux' Documentation/admin-guide/cgroup-v2.rst, "Memory Interface Files"; cgroup-v1/memory.rst; proc(5).

#include <cstddef>
#include <filesystem>

namespace switchboard {

/// What the machine has, or the control groups of the process allow where that is less (memory.max of version 2,
/// memory.limit_in_bytes of version 1). Bytes.
/// @param root  where /proc and /sys/fs/cgroup are found
std::size_t memory_allowed(const std::filesystem::path& root = "/");

}  // namespace switchboard
