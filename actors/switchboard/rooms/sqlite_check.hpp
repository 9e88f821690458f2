#pragma once

/// Looks at everything in a directory's database, which takes as long as there are messages.
///
/// Why        a store looks at no more at its start than it needs to begin; whether every message can still be read is
///            asked while no broker runs.
/// Checked    the file itself; that its tables are there; of each room that what it says has its checksum, and that its messages
///            are those that it says it has, each with its checksum and with a body that is one; that ids belong to messages that were; that every message
///            has a room.
/// Threads    one.
/// Owns       the directory's lock, while it looks. Nothing is changed.
/// Errors     a status where the directory cannot be had or its database is none that this program knows. Everything else
///            is a fault.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <switchboard/rpc/result.hpp>

namespace switchboard::rooms {

struct sqlite_check_report {
  /// How many faults are named; the last one then says that there are more.
  static constexpr std::size_t faults_max = 1'000;

  struct room {
    std::string name;
    std::uint64_t first = 1;
    std::uint64_t last = 0;
    std::uint64_t without_checksum = 0;  ///< messages that were stored before there were checksums
  };

  std::vector<std::string> faults;  ///< in words; empty where nothing is wrong
  std::vector<room> rooms;          ///< by name
};

/// `is_body` says whether a record's body is one.
rpc::result<sqlite_check_report> check_sqlite(const std::filesystem::path& directory,
                                              const std::function<bool(std::string_view body)>& is_body);

}  // namespace switchboard::rooms
