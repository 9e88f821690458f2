#pragma once

/// What writing durably costs without a server: SQLite's and the disk's own work, in this process.
///
/// Threads    one.
/// Errors     std::runtime_error where SQLite or the disk fails.

#include "measure/load.hpp"

#include <cstddef>
#include <memory>
#include <string>

namespace switchboard::bench {

/// Inserts as the broker's, by SQLite with nothing around it: `in_a_group` in a transaction, which is synced or not. A result
/// is an insert; a latency a transaction's.
std::unique_ptr<load> sqlite_alone(const std::string& file, std::size_t in_a_group, std::size_t text, bool is_synced);
/// Appends a page to a file and syncs it.
std::unique_ptr<load> disk_alone(const std::string& file);

}  // namespace switchboard::bench
